import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"

import { jwt, revealed, setUp, test, workloadName } from "./support/memory.js"

describe("a consent in MemoryIdentity", () => {
  test(
    "a user approves, the application completes the session, and the poll returns the token",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { asked, sessionUri } = yield* begin("alice")
      const poll = api.getResourceOauth2Token({ ...asked, sessionUri })
      assert.strictEqual((yield* poll).sessionStatus, "IN_PROGRESS")
      const returned = new URL(Redacted.value(yield* controls.approve(sessionUri)))
      assert.strictEqual(returned.searchParams.get("session_id"), Redacted.value(sessionUri))
      assert.strictEqual(returned.searchParams.get("lang"), "en")
      assert.strictEqual((yield* poll).sessionStatus, "IN_PROGRESS")
      yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "alice" } })
      const granted = revealed(yield* poll)
      assert.strictEqual(revealed(yield* api.getResourceOauth2Token({ ...asked, scopes: ["b"] })), granted)
    })
  )

  test(
    "returns to a URL with a custom scheme, with session and state",
    Effect.gen(function*() {
      const { api, controls, mint, request } = yield* setUp
      yield* api.updateWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: ["myapp:cb#top"] })
      const asked = { ...request(yield* mint("alice")), resourceOauth2ReturnUrl: "myapp:cb#top" }
      const { sessionUri = Redacted.make("") } = yield* api.getResourceOauth2Token({
        ...asked,
        customState: Redacted.make("a b&c")
      })
      const returned = Redacted.value(yield* controls.approve(sessionUri))
      assert.match(returned, /^myapp:cb\?session_id=urn%3Aietf%3A[^&]+&state=a\+b%26c#top$/)
      const colon = yield* Effect.flip(api.getResourceOauth2Token({ ...asked, customState: Redacted.make("a:b") }))
      assert.include(colon.message, "Value at 'requestUri' failed to satisfy constraint")
    })
  )

  test(
    "only the same user completes the session, only once, and an attempt by another user has no effect",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { sessionUri } = yield* begin("alice")
      const complete = (userId: string) => api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId } })
      assert.strictEqual((yield* Effect.flip(complete("alice"))).message, "Invalid or expired session")
      yield* controls.approve(sessionUri)
      assert.strictEqual((yield* Effect.flip(complete("mallory")))._tag, "AccessDenied")
      const racing = yield* Effect.all([complete("alice"), complete("alice")].map((one) => Effect.either(one)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(racing.filter(Either.isRight).length, 1)
      assert.strictEqual((yield* Effect.flip(complete("alice")))._tag, "AccessDenied")
    })
  )

  test(
    "a user identified by a JWT completes the session with the same JWT",
    Effect.gen(function*() {
      const { api, controls, request } = yield* setUp
      const [userToken, fresh] = [
        jwt({ iss: "https://idp", sub: "alice" }),
        jwt({ iss: "https://idp", sub: "alice", n: 1 })
      ]
      const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
      const { sessionUri = Redacted.make("") } = yield* api.getResourceOauth2Token(request(workloadAccessToken))
      yield* controls.approve(sessionUri)
      const refused = yield* Effect.flip(
        api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userToken: fresh } })
      )
      assert.strictEqual(refused._tag, "AccessDenied")
      yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userToken } })
      assert.strictEqual((yield* controls.sessions)[0]?.user, "jwt:https://idp|alice")
    })
  )

  test(
    "a session expires after ten minutes, and is valid at its last moment",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { asked, sessionUri } = yield* begin("alice")
      const poll = api.getResourceOauth2Token({ ...asked, sessionUri })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* poll).sessionStatus, "IN_PROGRESS")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Effect.flip(poll)).message, "Invalid or expired session")
      assert.strictEqual((yield* Effect.flip(controls.approve(sessionUri)))._tag, "SessionNotPending")
      assert.strictEqual((yield* controls.sessions)[0]?.status, "expired")
    })
  )

  test(
    "a denial ends the session",
    Effect.gen(function*() {
      const { api, begin, controls } = yield* setUp
      const { asked, sessionUri } = yield* begin("alice")
      yield* controls.deny(sessionUri)
      const reply = yield* api.getResourceOauth2Token({ ...asked, sessionUri })
      assert.strictEqual(reply.sessionStatus, "FAILED")
      assert.isUndefined(reply.authorizationUrl)
    })
  )

  test(
    "an expired token is refreshed until the provider revokes the grant",
    Effect.gen(function*() {
      const { api, consent, controls } = yield* setUp
      const { asked } = yield* consent("alice")
      const before = revealed(yield* api.getResourceOauth2Token(asked))
      assert.strictEqual(yield* controls.expireTokens({ user: "userId:bob" }), 0)
      assert.strictEqual(yield* controls.expireTokens({ user: "userId:alice" }), 1)
      const after = revealed(yield* api.getResourceOauth2Token(asked))
      assert.notStrictEqual(after, before)
      assert.strictEqual(yield* controls.revoke(), 1)
      assert.strictEqual(revealed(yield* api.getResourceOauth2Token(asked)), after)
      yield* controls.expireTokens()
      assert.strictEqual((yield* api.getResourceOauth2Token(asked)).sessionStatus, "IN_PROGRESS")
    })
  )

  test(
    "forceAuthentication removes the grant and requires a new consent",
    Effect.gen(function*() {
      const { api, consent } = yield* setUp
      const { asked, sessionUri } = yield* consent("alice")
      const forced = yield* api.getResourceOauth2Token({ ...asked, sessionUri, forceAuthentication: true })
      assert.strictEqual(forced.sessionStatus, "IN_PROGRESS")
      assert.strictEqual((yield* api.getResourceOauth2Token(asked)).sessionStatus, "IN_PROGRESS")
    })
  )
})
