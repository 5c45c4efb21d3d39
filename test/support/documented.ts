/** What the documents say to run, and which test runs it. */
import { existsSync } from "node:fs"
import * as Markdown from "./markdown.js"

/** Run by test/documentation.test.ts itself, as written but for the port. */
interface Run {
  readonly file: string
  readonly block: RegExp
  readonly run: true
}

/** Run elsewhere, for a reason; `holds` says that it really is. */
interface Elsewhere {
  readonly file: string
  readonly block: RegExp
  readonly run: false
  readonly reason: string
  readonly holds: () => boolean
}

const manifest: {
  readonly version: string
  readonly scripts: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
  readonly repository: { readonly url: string }
} = JSON.parse(Markdown.read("package.json"))

const ci = Markdown.read(".ci/run")

const installation = Markdown.read("test/install/main.ts")

/** Every block of shell in the documents belongs to exactly one of these. */
export const blocks: ReadonlyArray<Run | Elsewhere> = [
  { file: "README.md", block: /^npx effect-agentcore-identity serve$/, run: true },
  {
    file: "README.md",
    block: /^git clone https:\S+\ncd effect-agentcore-identity$/,
    run: false,
    reason: "it needs the network; the URL is the repository of package.json",
    holds: () => Markdown.read("README.md").includes(`\n${manifest.repository.url.replace("git+", "git clone ")}\n`)
  },
  {
    file: "README.md",
    block: /^npm install && npm (start|test)$/,
    run: false,
    reason: ".ci/run takes the line from the README and runs it, since it installs this very clone",
    holds: () => ci.includes("npm install && npm start") && ci.includes("npm install && npm test")
  },
  {
    file: "README.md",
    block: /^(npm install|pnpm add|npx -p) (?!&&)/,
    run: false,
    reason: "npm run test:install runs the block after each of these markers, and .ci/run runs that",
    holds: () => {
      const markers = [...Markdown.read("README.md").matchAll(/<!-- install: ([^>]+) -->/g)].map(([, name = ""]) =>
        name
      )
      return markers.length > 5 &&
        markers.every((name) => installation.includes(`"${name.replace(", development", "")}"`)) &&
        ci.includes("npm run test:install")
    }
  },
  {
    file: "guides/local-server.md",
    block: /^npx effect-agentcore-identity serve --seed seed\.json --port 4599$/,
    run: true
  },
  { file: "guides/local-server.md", block: /^node_modules\/\.bin\/agentcore-identity serve &\n/, run: true },
  { file: "guides/local-server.md", block: /^aws configure set /, run: true },
  { file: "guides/local-server.md", block: /^token=\$\(aws bedrock-agentcore /, run: true },
  { file: "guides/local-server.md", block: /^curl --aws-sigv4 /, run: true },
  { file: "guides/local-server.md", block: /^agentcore-identity workloads create /, run: true },
  { file: "guides/local-server.md", block: /^server=http:\/\/127\.0\.0\.1:4599\n/, run: true },
  {
    file: "scratchpad/README.md",
    block: /^(folder=\$\(mktemp -d\)\n)?npx tsx scratchpad\//,
    run: false,
    reason: "test/scratchpad.test.ts runs it and compares what it prints",
    holds: () => Markdown.read("test/scratchpad.test.ts").includes("scratchpad/README.md")
  },
  {
    file: "scratchpad/README.md",
    block: /^npx vitest run scratchpad\/[\w-]+\.test\.ts$/,
    run: false,
    reason: "npm test runs these files with the others",
    holds: () => Markdown.read("vitest.config.ts").includes("scratchpad/**/*.test.ts")
  },
  {
    file: "docs/benchmarks.md",
    block: /^npm run bench -- --docs --json results\.json$/,
    run: false,
    reason:
      "it takes ten minutes, and times on a shared machine are no test; test/benchmarks.test.ts tests the options",
    holds: () => "bench" in manifest.scripts
  }
]

export interface Inline {
  readonly command: RegExp
  /** What a test runs for it; without it, `holds` is all that is checked. */
  readonly run?: ((command: string) => string) | undefined
  readonly reason: string
  readonly holds?: ((command: string) => boolean) | undefined
}

const hasScript = (command: string) => (/^npm run (?:-s )?([\w:]+)/.exec(command)?.[1] ?? "") in manifest.scripts

/** Whether the command names a benchmark that has a part in the page, or none. */
const isBenchmark = (command: string) => {
  const [, name] = /--only (\w+)$/.exec(command) ?? []
  return name === undefined || Markdown.read("docs/benchmarks.md").includes(`<!-- generated: ${name} -->`)
}

/** Every command between backticks in the prose belongs to the first of these that fits. */
export const inline: ReadonlyArray<Inline> = [
  { command: /^npm run -s serve -- --port 0$/, run: (command) => command, reason: "a server, as written" },
  { command: /^npm run -s serve$/, reason: "the same script on port 4599, which may be taken", holds: hasScript },
  { command: /^npx tsx src\/cli\/main\.ts$/, run: (command) => `${command} --help`, reason: "it shows its help" },
  {
    command: /^(effect-)?agentcore-identity [\w-]+$/,
    run: (command) => `${command} --help`,
    reason: "it shows its help"
  },
  {
    command: /^npx effect-agentcore-identity$/,
    reason: "the name of the command that the other blocks run, and the same file as agentcore-identity",
    holds: () => manifest.bin["effect-agentcore-identity"] === manifest.bin["agentcore-identity"]
  },
  {
    command: /^npm run build && npm pack$/,
    reason: "npm run verify builds, and packs to check the package",
    holds: hasScript
  },
  {
    command: /^npm install \.\/effect-agentcore-identity-[\d.]+\.tgz effect@3 @effect\/platform@0\.97$/,
    reason: "npm run test:install installs the file",
    holds: (command) => command.includes(`-${manifest.version}.tgz `)
  },
  {
    command: /^npm run bench -- (--only \w+|--help)$/,
    reason: "it takes up to a minute; test/benchmarks.test.ts tests the options",
    holds: (command) => hasScript(command) && isBenchmark(command)
  },
  {
    command: /^npm run test:mutation -- retry revocation$/,
    reason: "it takes minutes, and is run by hand",
    holds: hasScript
  },
  { command: /^npm run [\w:]+$/, reason: "npm run verify or .ci/run runs the script", holds: hasScript },
  {
    command: /^(npm install classic-level@3|npx -p .* serve --data DIR)$/,
    reason: "npm run test:install runs it",
    holds: (command) =>
      Markdown.read("README.md").includes(`\n${command}\n`) && "classic-level" in manifest.peerDependencies
  },
  {
    command: /^npm start -- --live$/,
    reason: "it needs an AWS account; test/scratchpad.test.ts starts it without one"
  },
  {
    command: /^npx tsx quick-start\.ts$/,
    reason: "npm run test:install runs the quick start of the README under this name",
    holds: () => installation.includes("quick-start.ts")
  },
  {
    command: /^npx vitest run test\/[\w-]+\.test\.ts$/,
    reason: "npm test runs the file with the others",
    holds: (command) => existsSync(`${Markdown.root}${command.replace("npx vitest run ", "")}`)
  },
  {
    command: /^npx vitest run --project '!browser'$/,
    reason: "npm test runs these files with the others",
    holds: () => Markdown.read("vitest.config.ts").includes("name: \"browser\"")
  },
  { command: /^npm install -g npm@11$/, reason: "it changes the machine; it is npm's own documented command" },
  { command: /^npm (install|ci|start|test)$/, reason: ".ci/run runs it", holds: () => ci.includes("npm install") }
]
