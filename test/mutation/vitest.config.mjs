import { mergeConfig } from "vitest/config"
import base from "../../vitest.config.ts"
import { modules } from "./modules.mjs"

const { tests } = modules[process.env.MUTATION_MODULE]

// Stryker has one process for each core already.
const config = mergeConfig(base, {
  test: { maxWorkers: 1, minWorkers: 1, reporters: ["default"] }
})
// The merge would keep the projects and the files of the base as well. Each run needs modules of its own.
delete config.test.projects
delete config.test.poolOptions
config.test.include = tests.map((test) => `test/${test}.test.ts`)

export default config
