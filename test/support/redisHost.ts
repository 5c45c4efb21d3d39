/** Finds `redis-server` for the tests `test/redis*.test.ts`, and installs it if it is missing. */
import { aptGet, type Host, switches } from "./chromium.js"
import type { Machine } from "./chromiumHost.js"

declare module "vitest" {
  interface ProvidedContext {
    /** Path of `redis-server`; undefined when no test of Redis was among the files at the start of the run. */
    readonly redis: string | undefined
  }
}

export interface Facts extends Pick<Machine, "apt" | "which">, Pick<Host, "log" | "run"> {
  /** `AGENTCORE_TEST_INSTALL`. */
  readonly install: string | undefined
}

const none = "The tests of Redis need redis-server, and none was found"

const remedy =
  "Install Redis 6 or later, so that redis-server is on the PATH: `apt-get install redis-server` on Debian, " +
  "`brew install redis` on macOS."

/** Path of `redis-server`, installed if necessary; rejects with an error of one line. */
export const ensureRedis = async ({ apt, install, log, run, which }: Facts): Promise<string> => {
  const found = which("redis-server")
  if (found !== undefined) return found
  const mayInstall = switches.get(install)
  if (mayInstall === undefined) {
    throw new Error(`AGENTCORE_TEST_INSTALL is "${install}": set it to 0 (install nothing) or 1 (the default).`)
  }
  if (!mayInstall) {
    throw new Error(`${none}; AGENTCORE_TEST_INSTALL=${install} forbids installing it. ${remedy}`)
  }
  const user = await apt()
  if (user === undefined) throw new Error(`${none}; it cannot be installed without apt-get as root or sudo. ${remedy}`)
  log(`${none}. Installing Debian's package redis-server with apt-get. AGENTCORE_TEST_INSTALL=0 turns this off.`)
  const failures: Array<string> = []
  for (
    const command of [
      aptGet(user, "update"),
      aptGet(user, "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "redis-server")
    ]
  ) {
    const failure = await run(command)
    if (failure !== undefined) {
      failures.push(`\`${failure.command}\` ended with exit code ${failure.code} (${failure.line})`)
    }
  }
  const installed = which("redis-server")
  if (installed !== undefined) return installed
  throw new Error(
    `${none}, and installing it failed: ${failures.join(", ") || "no executable was installed"}. ${remedy}`
  )
}

/** Whether a test file needs Redis. */
export const isRedisTest = (path: string): boolean => /(^|[/\\])redis[^/\\]*\.test\.ts$/.test(path)
