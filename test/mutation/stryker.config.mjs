import { modules } from "./modules.mjs"

const name = process.env.MUTATION_MODULE
const { mutate, tests } = modules[name]

export default {
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  mutate,
  testFiles: tests.map((test) => `test/${test}.test.ts`),
  vitest: { configFile: "test/mutation/vitest.config.ts" },
  concurrency: 2,
  // A mutant may make a wait endless.
  timeoutMS: 15_000,
  incremental: true,
  incrementalFile: `.stryker/${name}.incremental.json`,
  reporters: ["clear-text", "json"],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false },
  jsonReporter: { fileName: `.stryker/${name}.json` },
  tempDirName: ".stryker/sandbox",
  ignorePatterns: ["dist", "coverage", "docs", "bench", "guides", ".docgen", ".stryker"]
}
