/** The error of a test control that would store more than its limit. */
import * as Data from "effect/Data"

/**
 * A mistake of a test, like an unknown error of `failNext`: a control dies with it, and stores nothing. The server reports it
 * as a conflict.
 */
export class ControlLimitReached extends Data.TaggedError("ControlLimitReached")<{
  readonly field: string
  /** The limit, and the remedy. Contains no value of the request. */
  readonly reason: string
}> {
  override get message(): string {
    return `${this.field}: ${this.reason}`
  }
}
