import { modules } from "./modules.mjs"

const name = process.env.MUTATION_MODULE
const { mutate } = modules[name]

export default {
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  mutate,
  // Not by `testFiles`: with it Stryker activates a mutant after the modules are loaded, too late for code that runs while
  // a module loads, and reports such a mutant as survived.
  vitest: { configFile: "test/mutation/vitest.config.mjs" },
  concurrency: 2,
  // A mutant may make a wait endless.
  timeoutMS: 5000,
  incremental: true,
  incrementalFile: `.stryker/${name}.incremental.json`,
  reporters: ["clear-text", "json"],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false },
  jsonReporter: { fileName: `.stryker/${name}.json` },
  tempDirName: ".stryker/sandbox",
  ignorePatterns: ["dist", "coverage", "docs", "bench", "guides", ".docgen", ".stryker"]
}
