/** What the pages hand out and take back once: the tokens of their forms, and the `state` of a redirect. */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as secureToken from "../lib/secureToken.js"

/** @internal */
export class TicketRefused extends Data.TaggedError("TicketRefused")<{
  /** `foreign`: it was handed to another browser. */
  readonly reason: "unknown" | "foreign" | "used" | "expired"
}> {}

/** @internal */
export interface OneTimeTokens<in out Subject> {
  /** Hands out what was chosen before: nobody may be able to guess it. */
  readonly put: (ticket: string, browser: string, subject: Subject) => Effect.Effect<void>
  readonly issue: (browser: string, subject: Subject) => Effect.Effect<string>
  /** A ticket is used up by the browser that it was handed to, also when it is refused; by no other. */
  readonly consume: (ticket: string, browser: string) => Effect.Effect<Subject, TicketRefused>
}

interface Ticket<Subject> {
  readonly browser: string
  readonly subject: Subject
  readonly expiresAt: number
  readonly isUsed: boolean
}

const isFor = (ticket: Ticket<unknown>, browser: string) => secureToken.timingSafeEqual(ticket.browser, browser)

// As long as a request for consent lasts.
const lifetime = Duration.toMillis("10 minutes")

// A ticket that is used or over is still known for a while, to be able to say so; the oldest are forgotten first.
const remembered = 1000

/** @internal */
export const make = <Subject>(): Effect.Effect<OneTimeTokens<Subject>> =>
  Effect.map(Ref.make<ReadonlyMap<string, Ticket<Subject>>>(new Map()), (tickets) => {
    const put: OneTimeTokens<Subject>["put"] = (id, browser, subject) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.update(tickets, (before) =>
          new Map([
            ...[...before].slice(1 - remembered),
            [id, { browser, subject, expiresAt: now + lifetime, isUsed: false }]
          ])))
    return {
      put,
      issue: (browser, subject) => Effect.tap(secureToken.token, (id) => put(id, browser, subject)),
      consume: (id, browser) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          // Found by a map and not by comparing: nothing is learned from how long that takes.
          const ticket = yield* Ref.modify(tickets, (before) => {
            const ticket = before.get(id)
            return [
              ticket,
              ticket === undefined || !isFor(ticket, browser)
                ? before
                : new Map(before).set(id, { ...ticket, isUsed: true })
            ]
          })
          if (ticket === undefined) return yield* new TicketRefused({ reason: "unknown" })
          if (!isFor(ticket, browser)) return yield* new TicketRefused({ reason: "foreign" })
          if (ticket.isUsed) return yield* new TicketRefused({ reason: "used" })
          if (now > ticket.expiresAt) return yield* new TicketRefused({ reason: "expired" })
          return ticket.subject
        })
    }
  })
