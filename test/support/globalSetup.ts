import type { TestProject } from "vitest/node"
import { ensure, isBrowserTest } from "./chromium.js"
import * as Host from "./chromiumHost.js"
import * as Command from "./command.js"
import { ensureRedis, isRedisTest } from "./redisHost.js"

/**
 * Provides the paths of a browser and of Redis and the bundled command to the workers, once for all of them, if a test file that
 * needs them is among the files that run. The runner sets no time limit on this.
 */
export default async (project: TestProject): Promise<(() => void) | undefined> => {
  const { vitest } = project
  // What the root project provides, every project has.
  if (!project.isRootProject()) return undefined
  // `vitest list` runs no test.
  if (process.argv[2] === "list") return undefined
  const host = Host.make({ log: (line) => vitest.logger.error(line) })
  const command = Command.make()
  let path: string | undefined
  let redis: string | undefined
  const prepare = async (files: ReadonlyArray<string>): Promise<void> => {
    // In watch mode the sources may have changed: the command is bundled again.
    if (files.some(Command.isCommandTest)) project.provide("command", await command.build())
    if (redis === undefined && files.some(isRedisTest)) {
      redis = await ensureRedis({ ...host, install: process.env["AGENTCORE_TEST_INSTALL"] })
      project.provide("redis", redis)
    }
    if (path !== undefined || !files.some(isBrowserTest)) return
    path = await ensure(host)
    project.provide("chromium", path)
  }
  // An error that is thrown here is printed with a stack, and after "No test files found".
  const explain = (error: unknown) => vitest.logger.error(error instanceof Error ? error.message : String(error))
  // In watch mode the first browser test may come later.
  project.onTestsRerun((specifications) => prepare(specifications.map(({ moduleId }) => moduleId)).catch(explain))
  try {
    await prepare(vitest.state.getPaths())
  } catch (error) {
    explain(error)
    process.exitCode = 1
    await vitest.exit(true)
  }
  return command.remove
}
