/** Failures of Redis, and their reports. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"

/** Redis cannot be used now, or has refused a command. The reason contains no secret. */
export class RedisUnavailable extends Data.TaggedError("RedisUnavailable")<{
  readonly reason: string
  /** Redis is connected, and replied with an error. */
  readonly isReply: boolean
}> {}

/**
 * The failure of a command or a connection. Only codes are kept: the errors of the client contain the command, such as one with the
 * password.
 */
export const failureOf = (thrown: unknown): RedisUnavailable => {
  const isError = thrown instanceof Error
  if (isError && thrown.name === "ReplyError") {
    // A command that the user may not use in a script has the code ERR.
    const [code = "unknown"] = /^ERR (ACL failure in script|The user executing the script can't)/.test(thrown.message)
      ? ["NOPERM"]
      : /^[A-Z]{1,32}/.exec(thrown.message) ?? []
    return new RedisUnavailable({ reason: `error reply ${code}`, isReply: true })
  }
  const reason = isError && Predicate.hasProperty(thrown, "code") && Predicate.isString(thrown.code)
    ? thrown.code
    : "the connection was closed"
  return new RedisUnavailable({ reason, isReply: false })
}

/** Logs each outage once, and its end. */
export interface Reporter {
  readonly failed: (failure: RedisUnavailable) => Effect.Effect<void>
  /** A command has succeeded. */
  readonly succeeded: Effect.Effect<void>
  /** A connection is ready. Error replies are reported again. */
  readonly connected: Effect.Effect<void>
  /** The program closes the connection: what fails from now on is not logged. */
  readonly close: Effect.Effect<void>
}

const consequence = "Token caches use the memory of the process meanwhile."

/** @internal */
export const makeReporter = (): Reporter => {
  let isDown = false
  let isClosed = false
  const replies = new Set<string>()
  const succeeded = Effect.suspend(() => {
    if (!isDown) return Effect.void
    isDown = false
    return Effect.logInfo("Redis is available again")
  })
  return {
    failed: ({ isReply, reason }) =>
      Effect.suspend(() => {
        if (isClosed || (isReply ? replies.has(reason) : isDown)) return Effect.void
        if (isReply) replies.add(reason)
        else isDown = true
        return Effect.logWarning(`Redis cannot be used (${reason}). ${consequence}`)
      }),
    succeeded,
    connected: Effect.suspend(() => {
      replies.clear()
      return succeeded
    }),
    close: Effect.sync(() => {
      isClosed = true
    })
  }
}
