import { assert, describe, it } from "@effect/vitest"
import { DateTime, Option, Redacted } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as session from "../src/internal/emulator/state/session.js"
import * as state from "../src/internal/emulator/state/state.js"
import * as Table from "../src/internal/emulator/state/table.js"
import { target } from "../src/internal/emulator/state/target.js"
import { assertEqual } from "./support/equality.js"

const now = DateTime.unsafeMake(1_000_000)

const uri = "urn:ietf:params:oauth:request_uri:one"

const opened = session.open(state.empty(now), now, {
  uri,
  workloadName: "agent",
  user: { kind: "userId", userId: "ada" },
  providerName: "provider",
  target: target({ scopes: ["read"] }),
  returnUrl: "https://app.example/return",
  customState: undefined,
  customParameters: undefined
})

const code = { code: Redacted.make("the code"), codeVerifier: Redacted.make("the verifier") }

const granted = {
  workloadName: "agent",
  user: "userId:ada",
  providerName: "provider",
  target: target({ scopes: ["read"] }),
  accessToken: Redacted.make("the access token"),
  expiresAt: now,
  refreshAt: now,
  refresh: { token: Redacted.make("the refresh token"), expiresAt: undefined }
}

const stored = (all: state.State) => Option.getOrThrow(Table.get(all.sessions, uri))

const expected = <A extends session.Session>(
  all: state.State,
  is: (session: session.Session) => session is A
): A => {
  const found = stored(all)
  if (!is(found)) throw new Error(`the session is ${found.status}`)
  return found
}

const approved = session.approve(opened, expected(opened, session.isPending), code)

const [claimed, completing] = session.claim(approved, expected(approved, session.isApproved))

/** The members in which a session differs from the one that was opened. */
const changed = (all: state.State) => {
  const before = new Map<string, unknown>(Object.entries(stored(opened)))
  return Object.fromEntries(Object.entries(stored(all)).filter(([name, value]) => before.get(name) !== value))
}

describe("a consent session", () => {
  it("is pending for ten minutes", () => {
    assert.strictEqual(stored(opened).status, "pending")
    const at = (seconds: number) =>
      Option.isSome(session.find(opened, DateTime.add(now, { seconds }), Redacted.make(uri)))
    assert.isTrue(at(600))
    assert.isFalse(at(600.001))
    assert.isTrue(session.isUnfinished(stored(opened)))
  })

  it("numbers the sessions in the order in which they were opened", () => {
    const second = session.open(opened, now, { ...expected(opened, session.isPending), uri: "urn:two" })
    assert.strictEqual(stored(second).ordinal, 0)
    assert.strictEqual(Option.getOrThrow(Table.get(second.sessions, "urn:two")).ordinal, 1)
    assert.strictEqual(second.sessionsOpened, 2)
  })

  it("has its code only while it is approved or being completed", () => {
    assertEqual(changed(approved), { status: "approved", authorization: code })
    assertEqual(changed(completing), { status: "completing", authorization: code })
    assertEqual(changed(session.fail(completing, claimed)), { status: "failed" })
    assertEqual(changed(session.complete(completing, claimed, granted)), {
      status: "completed",
      granted: { accessToken: granted.accessToken, expiresAt: now }
    })
  })

  it("fails without a code when the user denies it", () => {
    assertEqual(changed(session.deny(opened, expected(opened, session.isPending))), { status: "failed" })
  })

  it("is approved again, with its code, when the claim is given back", () => {
    assertEqual(changed(session.release(completing, claimed)), { status: "approved", authorization: code })
    assertEqual(session.withoutClaim(stored(completing)), stored(approved))
  })

  it("is neither pending nor approved while it is being completed", () => {
    assert.isFalse(session.isPending(claimed))
    assert.isFalse(session.isApproved(claimed))
    assert.isFalse(session.isUnfinished(claimed))
  })

  it("expires at once", () => {
    const expired = session.expire(opened, expected(opened, session.isPending), now)
    assert.strictEqual(stored(expired).status, "pending")
    assert.isTrue(session.isExpired(stored(expired), now))
    assert.isTrue(Option.isNone(session.find(expired, now, Redacted.make(uri))))
  })

  it("changes only in the file that holds its transitions", () => {
    const folder = join(import.meta.dirname, "../src/internal/emulator")
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))
    const changing = files.filter((name) =>
      /status: "(?:pending|approved|completing|completed|failed)"|Table\.(?:set|modify|map)\(\s*(?:state\.)?sessions\b/
        .test(readFileSync(join(folder, name), "utf8"))
    )
    assertEqual(changing, [join("state", "session.ts")])
  })
})
