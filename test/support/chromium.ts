/**
 * Decides which browser the browser tests use, and what to install when there is none.
 */

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the browser; undefined when no browser test was among the files at the start of the run. */
    readonly chromium: string | undefined
  }
}

/** An executable that exists, and the reason why it cannot be used, if there is one. */
export interface Browser {
  readonly path: string
  readonly problem?: string | undefined
}

export type Installer = "apt" | "playwright"

/** A command that failed, with its exit code and the last line of its output. */
export interface Failure {
  readonly command: string
  readonly code: number
  readonly line: string
}

export interface Attempt {
  readonly installer: Installer
  readonly failures: ReadonlyArray<Failure>
}

export interface Facts {
  /** `CHROMIUM`: undefined if it is not set; a problem if its file is missing or does not run. */
  readonly named: Browser | undefined
  /** The browsers in the usual places, in order of preference. */
  readonly found: ReadonlyArray<Browser>
  /** `AGENTCORE_TEST_INSTALL`. */
  readonly install: string | undefined
  /** How apt-get can run: as the current user, through `sudo -n`, or not at all. */
  readonly apt: "root" | "sudo" | undefined
  /** What this run has tried to install so far. */
  readonly attempts: ReadonlyArray<Attempt>
}

export interface Command {
  /** How messages call it. */
  readonly name: string
  readonly argv: readonly [program: string, ...args: ReadonlyArray<string>]
}

export type Action =
  | { readonly _tag: "Use"; readonly path: string }
  | {
    readonly _tag: "Install"
    readonly installer: Installer
    readonly announcement: string
    readonly commands: ReadonlyArray<Command>
  }
  | { readonly _tag: "Fail"; readonly message: string }

const remedy = "Install Chromium or Chrome, or set CHROMIUM to the path of one."

const none = "The browser tests need Chromium or Chrome, and none was found"

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim()

const fail = (message: string): Action => ({ _tag: "Fail", message: oneLine(message) })

export const switches = new Map([
  [undefined, true],
  ["", true],
  ["1", true],
  ["true", true],
  ["0", false],
  ["false", false]
])

// The English message of a held lock is recognised by its text, hence LC_ALL.
export const aptGet = (apt: "root" | "sudo", subcommand: string, ...args: ReadonlyArray<string>): Command => {
  const argv = ["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "-qq", subcommand, ...args]
  return {
    name: `apt-get ${subcommand}`,
    argv: apt === "root" ? ["env", ...argv] : ["sudo", "-n", "env", ...argv]
  }
}

/** Downloads Playwright's own build of Chromium to its cache. The host knows the path of the CLI. */
const playwright: Command = {
  name: "playwright-core install",
  argv: ["playwright-core", "install", "--no-shell", "chromium"]
}

const failed = ({ failures, installer }: Attempt): string =>
  failures.length === 0
    ? `${installer} ended with exit code 0 but left no browser that runs`
    : failures.map(({ code, command, line }) => `\`${command}\` ended with exit code ${code} (${line})`).join(", ")

/** The next step, given what is known. */
export const decide = ({ apt, attempts, found, install, named }: Facts): Action => {
  if (named !== undefined) {
    return named.problem === undefined
      ? { _tag: "Use", path: named.path }
      : fail(
        `CHROMIUM is ${named.path}, which ${named.problem}: set it to the path of Chromium or Chrome, or unset it.`
      )
  }
  const usable = found.find(({ problem }) => problem === undefined)
  if (usable !== undefined) return { _tag: "Use", path: usable.path }
  const mayInstall = switches.get(install)
  if (mayInstall === undefined) {
    return fail(`AGENTCORE_TEST_INSTALL is "${install}": set it to 0 (install no browser) or 1 (the default).`)
  }
  const broken = found.map(({ path, problem }) => ` (${path} ${problem})`).join("")
  if (!mayInstall) return fail(`${none}${broken}; AGENTCORE_TEST_INSTALL=${install} forbids installing it. ${remedy}`)
  const tried = (installer: Installer) => attempts.some((attempt) => attempt.installer === installer)
  if (apt !== undefined && !tried("apt")) {
    return {
      _tag: "Install",
      installer: "apt",
      announcement: `${none}${broken}. Installing Debian's package: apt-get update, then ` +
        `apt-get install -y --no-install-recommends chromium${apt === "sudo" ? ", with sudo" : ""}. ` +
        "AGENTCORE_TEST_INSTALL=0 turns this off.",
      commands: [
        aptGet(apt, "update"),
        // Waits 300 seconds for a parallel run of dpkg.
        aptGet(apt, "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "chromium")
      ]
    }
  }
  if (!tried("playwright")) {
    return {
      _tag: "Install",
      installer: "playwright",
      announcement: `${none}${broken}. ${attempts.map((attempt) => `${failed(attempt)}. `).join("")}` +
        "Downloading Playwright's Chromium to its cache. AGENTCORE_TEST_INSTALL=0 turns this off.",
      commands: [playwright]
    }
  }
  return fail(`${none}${broken}, and installing it failed: ${attempts.map(failed).join("; ")}. ${remedy}`)
}

/** What the decision needs of a machine. */
export interface Host {
  readonly facts: () => Promise<Omit<Facts, "attempts">>
  /** Runs a command to its end, however long it takes; undefined if it succeeded. */
  readonly run: (command: Command) => Promise<Failure | undefined>
  readonly log: (line: string) => void
}

/** Path of a browser that runs, installed if necessary; rejects with an error of one line. */
export const ensure = async (host: Host, attempts: ReadonlyArray<Attempt> = []): Promise<string> => {
  const action = decide({ ...await host.facts(), attempts })
  switch (action._tag) {
    case "Use":
      return action.path
    case "Fail":
      throw new Error(action.message)
    case "Install": {
      host.log(oneLine(action.announcement))
      // A failed `apt-get update` (one broken source is enough) does not mean that the package is unknown.
      const failures: Array<Failure> = []
      for (const command of action.commands) {
        const failure = await host.run(command)
        if (failure !== undefined) failures.push(failure)
      }
      return ensure(host, [...attempts, { installer: action.installer, failures }])
    }
  }
}

/** Whether a test file needs a browser. */
export const isBrowserTest = (path: string): boolean => /(^|[/\\])browser[^/\\]*\.test\.ts$/.test(path)
