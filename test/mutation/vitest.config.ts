import { mergeConfig } from "vitest/config"
import base from "../../vitest.config.js"

// Stryker has one process for each core already.
export default mergeConfig(base, {
  test: { maxWorkers: 1, minWorkers: 1, reporters: ["default"] }
})
