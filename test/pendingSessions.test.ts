import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, DateTime, Effect, FastCheck, type Layer, Option, Redacted, TestClock } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as sessionPages from "../src/internal/emulator/data/sessionPages.js"
import * as limits from "../src/internal/emulator/state/limits.js"
import * as session from "../src/internal/emulator/state/session.js"
import * as state from "../src/internal/emulator/state/state.js"
import * as Table from "../src/internal/emulator/state/table.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"

const returnUrl = "https://app.example/return"

const asked = (workloadIdentityToken: Redacted.Redacted, providerName: string) => ({
  workloadIdentityToken,
  resourceCredentialProviderName: providerName,
  scopes: ["read"],
  oauth2Flow: "USER_FEDERATION" as const,
  resourceOauth2ReturnUrl: returnUrl
})

/** Two workload identities and two providers, and a function that opens a session. */
const world = Effect.gen(function*() {
  const api = yield* IdentityApi.IdentityApi
  const controls = yield* IdentityControls.IdentityControls
  for (const name of ["one-agent", "two-agent"]) {
    yield* api.createWorkloadIdentity({ name, allowedResourceOauth2ReturnUrls: [returnUrl] })
  }
  for (const name of ["github", "other"]) {
    yield* api.createOauth2CredentialProvider({
      name,
      credentialProviderVendor: "GithubOauth2",
      oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
    })
  }
  const open = (userId: string, workloadName = "one-agent", providerName = "github") =>
    Effect.gen(function*() {
      const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForUserId({ workloadName, userId })
      const request = asked(workloadAccessToken, providerName)
      const { sessionUri = Redacted.make("") } = yield* api.getResourceOauth2Token(request)
      return { request, sessionUri }
    })
  return { api, controls, open }
})

const detailsOf = (uri: string, userId: string) => ({
  uri,
  workloadName: "agent",
  user: { kind: "userId" as const, userId },
  providerName: "github",
  target: { scopes: [], resources: [], audiences: [] },
  returnUrl,
  customState: undefined,
  customParameters: undefined
})

const test = <E>(name: string, body: Effect.Effect<void, E, Layer.Layer.Success<typeof layer>>) =>
  it.effect(name, () => Effect.provide(body, layer))

const layer = MemoryIdentity.layerApi()

const pendingOf = (controls: IdentityControls.IdentityControls["Type"]) =>
  Effect.map(controls.sessions, (all) => all.filter(({ status }) => status === "pending").map(({ id }) => id))

describe("the pending sessions", () => {
  test(
    "of one user at one provider are the newest 128: a further one expires the oldest, whose polls fail",
    Effect.gen(function*() {
      const { api, controls, open } = yield* world
      const first = yield* open("ada")
      for (let i = 0; i < 127; i++) yield* open("ada")
      assertEqual(yield* pendingOf(controls), Arr.range(1, 128))
      for (let i = 0; i < 2; i++) yield* open("ada")
      assertEqual(yield* pendingOf(controls), Arr.range(3, 130))
      const poll = api.getResourceOauth2Token({ ...first.request, sessionUri: first.sessionUri })
      const refused = yield* Effect.flip(poll)
      assertEqual([refused._tag, refused.message], ["AccessDenied", "Invalid or expired session"])
    })
  )

  test(
    "whose consent page was opened outlive an agent that repeats its request, as long as there are others",
    Effect.gen(function*() {
      const { controls, open } = yield* world
      for (let i = 0; i < 3; i++) {
        const { sessionUri } = yield* open("ada")
        if (i !== 1) yield* controls.beginAuthorization(sessionUri, "state")
      }
      for (let i = 0; i < 300; i++) yield* open("ada")
      assertEqual(yield* pendingOf(controls), [1, 3, ...Arr.range(178, 303)])
      for (const { sessionUri, status } of yield* controls.sessions) {
        if (status === "pending") yield* controls.beginAuthorization(sessionUri, "state")
      }
      yield* open("ada")
      assertEqual(yield* pendingOf(controls), [3, ...Arr.range(178, 304)])
      const [, , third] = yield* controls.sessions
      yield* controls.approve(third?.sessionUri ?? Redacted.make(""))
    })
  )

  test(
    "of other users, providers and workload identities, and those that were answered, do not count",
    Effect.gen(function*() {
      const { controls, open } = yield* world
      const { sessionUri } = yield* open("ada")
      yield* controls.approve(sessionUri)
      yield* open("bob")
      yield* open("ada", "two-agent")
      yield* open("ada", "one-agent", "other")
      for (let i = 0; i < 128; i++) yield* open("ada")
      assert.lengthOf(yield* pendingOf(controls), 131)
      assert.strictEqual((yield* controls.sessions)[0]?.status, "approved")
    })
  )

  test(
    "that have expired make room for others",
    Effect.gen(function*() {
      const { controls, open } = yield* world
      for (let i = 0; i < 128; i++) yield* open("ada")
      yield* TestClock.adjust("11 minutes")
      const before = yield* controls.sessions
      for (let i = 0; i < 128; i++) yield* open("ada")
      assert.lengthOf(yield* pendingOf(controls), 128)
      // The time at which the others expired does not change.
      assertEqual(before, (yield* controls.sessions).slice(0, 128))
    })
  )

  it("of all users have a limit: a further one expires the oldest", () => {
    const now = DateTime.unsafeMake(0)
    const empty = state.empty(now)
    const details = (user: string) => detailsOf(`urn:${user}`, user)
    const rows = Array.from({ length: limits.pendingSessions }, (_, ordinal): readonly [string, session.Session] => {
      const opened = details(`user-${ordinal}`)
      const expiresAt = DateTime.add(now, { minutes: 10 })
      return [opened.uri, { ...opened, ordinal, createdAt: now, expiresAt, status: "pending" }]
    })
    const full = {
      ...empty,
      sessions: Table.withEntries(empty.sessions, rows),
      sessionsOpened: limits.pendingSessions
    }
    assertEqual(sessionPages.counts(full, now), { pending: limits.pendingSessions, finished: 0 })
    const after = session.open(full, now, details("new"))
    assertEqual(sessionPages.counts(after, now), { pending: limits.pendingSessions, finished: 1 })
    const find = (uri: string) => Option.isSome(session.find(after, now, Redacted.make(uri)))
    assertEqual([find("urn:user-0"), find("urn:user-1"), find("urn:new")], [false, true, true])
  })
})

describe("the pages of the sessions", () => {
  /** Sessions of every status, of several users, workload identities and providers. */
  const several = Effect.gen(function*() {
    const { api, controls, open } = yield* world
    for (let i = 0; i < 4; i++) yield* open(`early-${i}`)
    yield* TestClock.adjust("9 minutes")
    for (const userId of ["ada", "bob", "\u0000\"odd\ud800"]) {
      for (const workloadName of ["one-agent", "two-agent"]) {
        for (const providerName of ["github", "other"]) {
          const answers = [
            controls.approve,
            controls.deny,
            controls.expireSession,
            () => Effect.void,
            // The last, because a user with a grant needs no session.
            (uri: Redacted.Redacted) =>
              Effect.zipRight(
                controls.approve(uri),
                api.completeResourceTokenAuth({ sessionUri: uri, userIdentifier: { userId } })
              )
          ]
          for (const answer of answers) yield* answer((yield* open(userId, workloadName, providerName)).sessionUri)
        }
      }
    }
    yield* TestClock.adjust("2 minutes")
    return controls
  })

  const statuses = ["pending", "approved", "completed", "failed", "expired"] as const

  const filters: ReadonlyArray<IdentityControls.SessionFilter> = [
    {},
    ...statuses.map((status) => ({ statuses: [status] })),
    { statuses: ["pending", "approved"] },
    { statuses: ["approved", "completed", "failed", "expired"] },
    { statuses: [] },
    { id: 7 },
    { id: 1000 },
    { user: "userId:ada" },
    { user: "userId:\u0000\"odd\ud800" },
    { user: "userId:nobody-else" },
    { user: "userId:bob", statuses: ["pending"], providerName: "other" },
    { workloadName: "two-agent" },
    { workloadName: "two-agent", providerName: "github", statuses: ["failed"] },
    { providerName: "other" },
    { providerName: "oth" }
  ]

  const matches = (filter: IdentityControls.SessionFilter) => (one: IdentityControls.ConsentSession) =>
    (filter.id === undefined || one.id === filter.id) &&
    (filter.statuses === undefined || filter.statuses.includes(one.status)) &&
    (filter.user === undefined || one.user === filter.user) &&
    (filter.workloadName === undefined || one.workloadName === filter.workloadName) &&
    (filter.providerName === undefined || one.providerName === filter.providerName)

  test(
    "are those of the whole list that match, newest first, whatever the size of the page",
    Effect.gen(function*() {
      const controls = yield* several
      const all = yield* controls.sessions
      assert.lengthOf(all, 64)
      assertEqual(new Set(all.map(({ status }) => status)), new Set(statuses))
      for (const filter of filters) {
        const expected = Arr.reverse(all.filter(matches(filter)))
        for (const limit of [1, 7, 1000]) {
          const found: Array<IdentityControls.ConsentSession> = []
          let after: number | undefined
          do {
            const page = yield* controls.sessionsPage({ ...filter, limit, after })
            assert.isAtMost(page.sessions.length, limit)
            found.push(...page.sessions)
            after = page.next
          } while (after !== undefined)
          assertEqual(found, expected, JSON.stringify([filter, limit]))
        }
        const { sessions } = yield* controls.sessionsPage({ ...filter, limit: 3, skip: 2 })
        assertEqual(sessions, expected.slice(2, 5), JSON.stringify(filter))
      }
    })
  )

  it("are each match once, newest first, after any opens, expiries, denials, approvals and limits", () => {
    const outcomes = FastCheck.constantFrom("open", "expire", "deny", "approve", "wait")
    const steps = FastCheck.array(FastCheck.tuple(outcomes, FastCheck.nat(200)), {
      minLength: 20,
      maxLength: 60,
      size: "max"
    })
    const filter = FastCheck.record({ statuses: FastCheck.subarray([...statuses]) }, { requiredKeys: [] })
    FastCheck.assert(
      FastCheck.property(steps, filter, FastCheck.integer({ min: 1, max: 9 }), (steps, filter, limit) => {
        let now = DateTime.unsafeMake(0)
        let all = state.empty(now)
        for (const [step, n] of steps) {
          if (step === "open") {
            all = session.open(all, now, detailsOf(`urn:${all.sessionsOpened}`, `user-${n % 3}`))
            continue
          }
          if (step === "wait") {
            now = DateTime.add(now, { seconds: n })
            continue
          }
          const found = session.find(all, now, Redacted.make(`urn:${n % Math.max(1, all.sessionsOpened)}`))
          if (Option.isNone(found) || !session.isPending(found.value)) continue
          all = step === "expire"
            ? session.expire(all, found.value, now)
            : step === "deny"
            ? session.deny(all, found.value)
            : session.approve(all, found.value)
        }
        const expected = Arr.reverse(sessionPages.all(all, now).filter(matches(filter)))
        const paged: Array<IdentityControls.ConsentSession> = []
        let after: number | undefined
        do {
          const page = sessionPages.page(all, now, { ...filter, limit, after })
          paged.push(...page.sessions)
          after = page.next
        } while (after !== undefined)
        assertEqual(paged.map(({ id }) => id), expected.map(({ id }) => id))
      }),
      { numRuns: 300 }
    )
  })

  test(
    "and the counts agree, and each session is found by its URI",
    Effect.gen(function*() {
      const controls = yield* several
      const all = yield* controls.sessions
      const pending = all.filter(({ status }) => status === "pending").length
      assertEqual(yield* controls.sessionCounts, { pending, finished: all.length - pending })
      for (const one of all) assertEqual(yield* controls.findSession(one.sessionUri), Option.some(one))
      assertEqual(yield* controls.findSession(Redacted.make("urn:other")), Option.none())
      const grants = yield* controls.grants
      assertEqual(yield* controls.grantsPage(2), { grants: grants.slice(0, 2), total: grants.length })
    })
  )

  it("read only the sessions that they return, of 20,000", () => {
    const now = DateTime.unsafeMake(0)
    let reads = 0
    const rows = Array.from({ length: 20_000 }, (_, ordinal): readonly [string, session.Session] => {
      const one = {
        uri: `urn:${ordinal}`,
        workloadName: "agent",
        user: { kind: "userId" as const, userId: `user-${ordinal}` },
        providerName: "github",
        target: { scopes: [], resources: [], audiences: [] },
        returnUrl,
        customState: undefined,
        customParameters: undefined,
        ordinal,
        expiresAt: DateTime.add(now, { minutes: 10 }),
        status: ordinal % 2 === 0 ? "pending" as const : "failed" as const,
        get createdAt() {
          reads++
          return now
        }
      }
      return [one.uri, one]
    })
    const empty = state.empty(now)
    const all = { ...empty, sessions: Table.withEntries(empty.sessions, rows) }
    reads = 0
    const requests: ReadonlyArray<IdentityControls.SessionsPageRequest> = [
      { limit: 10 },
      { limit: 10, skip: 15_000 },
      { limit: 10, after: 5_000 },
      { limit: 10, statuses: ["pending"] },
      { limit: 10, statuses: ["failed", "expired"] },
      { limit: 10, id: 3 },
      { limit: 10, user: "userId:user-3" },
      { limit: 10, providerName: "github" }
    ]
    for (const request of requests) sessionPages.page(all, now, request)
    sessionPages.counts(all, now)
    sessionPages.find(all, now, Redacted.make("urn:3"))
    assert.isAtMost(reads, 11 * (requests.length + 1))
  })
})
