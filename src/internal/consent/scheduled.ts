/** The pollers that are no more than a schedule, by which a wait goes in its own fiber. */
import type * as Schedule from "effect/Schedule"

// By their functions: a poller that is made of another, with a function of its own, is another.
const schedules = new WeakMap<object, Schedule.Schedule<unknown>>()

/** @internal */
export const mark = <F extends object>(schedule: Schedule.Schedule<unknown>, poll: F): F => {
  schedules.set(poll, schedule)
  return poll
}

/** @internal */
export const scheduleOf = ({ poll }: { readonly poll: object }): Schedule.Schedule<unknown> | undefined =>
  schedules.get(poll)
