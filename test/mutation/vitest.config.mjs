import { mergeConfig } from "vitest/config"
import base from "../../vitest.config.ts"
import { modules } from "./modules.mjs"

const { isolate = false, tests } = modules[process.env.MUTATION_MODULE]

// Stryker has one process for each core already.
const config = mergeConfig(base, {
  test: { maxWorkers: 1, minWorkers: 1, reporters: ["default"] }
})
// The merge would keep the projects and the files of the base as well.
delete config.test.projects
// The test files of one run share modules, unless one of them replaces modules. Each run has a worker of its own, so a mutant
// of code that runs while a module loads is active.
config.test.poolOptions = { threads: { isolate } }
config.test.include = tests.map((test) => `test/${test}.test.ts`)

export default config
