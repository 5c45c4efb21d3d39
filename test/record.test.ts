import { assert, describe, it } from "@effect/vitest"
import { Chunk, DateTime, Effect, Either, Redacted } from "effect"
import * as emulator from "../src/internal/emulator/emulator.js"
import * as record from "../src/internal/emulator/persistence/records.js"
import * as state from "../src/internal/emulator/state/state.js"
import * as Table from "../src/internal/emulator/state/table.js"
import { grantKey } from "../src/internal/emulator/state/user.js"
import { assertEqual, assertNotEqual } from "./support/equality.js"
import * as Stored from "./support/storage.js"

type State = state.State

const settings = emulator.settings({})

const empty = state.empty(DateTime.unsafeMake(0))

const restore = (records: Iterable<record.Entry>, at = settings) => Stored.restore(records, at, empty)

/** The records of a store with an entry of each kind, and the state that is restored from them. */
const populated = Effect.scoped(Effect.gen(function*() {
  const { records, storage } = yield* Stored.make()
  const { api, controls } = yield* emulator.makeStored(settings, storage)
  yield* Stored.populate(api, controls)
  return { records, restored: yield* restore(records) }
}))

/** The table with a copy of its first entry under another key, and without that entry. */
const moved = <Row, Index extends string>(table: Table.Table<Row, Index>, to: string, change?: Partial<Row>) => {
  const [entry] = table
  if (entry === undefined) throw new Error("the table is empty")
  const [key, row] = entry
  return Table.set(Table.remove(table, key), to, change === undefined ? row : { ...row, ...change })
}

const owner = { workloadName: "new", user: "userId:ada", providerName: "new" }

/** Every table: the state with one entry removed and one added. */
const tables = {
  workloads: (all: State) => ({ ...all, workloads: moved(all.workloads, "new") }),
  oauth2Providers: (all: State) => ({ ...all, oauth2Providers: moved(all.oauth2Providers, "new") }),
  apiKeyProviders: (all: State) => ({ ...all, apiKeyProviders: moved(all.apiKeyProviders, "new") }),
  paymentProviders: (all: State) => ({ ...all, paymentProviders: moved(all.paymentProviders, "new") }),
  portals: (all: State) => ({ ...all, portals: moved(all.portals, "new") }),
  tags: (all: State) => ({ ...all, tags: moved(all.tags, "new") }),
  policies: (all: State) => ({ ...all, policies: moved(all.policies, "new") }),
  workloadTokens: (all: State) => ({ ...all, workloadTokens: moved(all.workloadTokens, "new") }),
  sessions: (all: State) => ({ ...all, sessions: moved(all.sessions, "new") }),
  grants: (all: State) => ({ ...all, grants: moved(all.grants, grantKey(owner), owner) }),
  secrets: (all: State) => ({ ...all, secrets: moved(all.secrets, "new") }),
  issuers: (all: State) => ({ ...all, issuers: moved(all.issuers, "new") })
}

const singles = {
  vault: (all: State) => ({ ...all, vault: { ...all.vault, tokenVaultId: "other" } }),
  sessionsOpened: (all: State) => ({ ...all, sessionsOpened: all.sessionsOpened + 1 })
}

/** Parts of another state that are not stored. */
const unsaved = {
  faults: { getTokenVault: [] },
  journal: Chunk.of({ at: DateTime.unsafeMake(0), operation: "getTokenVault" as const, request: {}, outcome: "ok" }),
  machineTokens: Table.set(empty.machineTokens, "key", {
    workloadName: "one",
    providerName: "two",
    accessToken: Redacted.make("token"),
    expiresAt: DateTime.unsafeMake(0)
  }),
  providerFailures: [{
    at: DateTime.unsafeMake(0),
    providerName: "two",
    step: "token" as const,
    reason: "Lost" as const
  }]
}

const applied = (records: ReadonlyMap<string, string>, changes: ReadonlyArray<record.Change>) => {
  const after = new Map(records)
  for (const { key, value } of changes) {
    if (value === undefined) after.delete(key)
    else after.set(key, value)
  }
  return after
}

/** The records with these members in every session. */
const withSessions = (records: ReadonlyMap<string, string>, members: object) =>
  new Map(
    [...records].map(([key, value]) =>
      [key, key.startsWith("sessions/") ? JSON.stringify({ ...JSON.parse(value), ...members }) : value] as const
    )
  )

const withoutMeta = (records: ReadonlyMap<string, string>) =>
  new Map([...records].filter(([key]) => !key.startsWith("meta/")))

const message = (restored: Either.Either<State, string>) => Either.isLeft(restored) ? restored.left : "restored"

describe("the records of the state", () => {
  it.effect("hold at least one entry of every table", () =>
    Effect.gen(function*() {
      const { records } = yield* populated
      const found = new Set([...records.keys()].map((key) => key.slice(0, key.indexOf("/"))))
      assertEqual(found, new Set(["meta", ...Object.keys(tables), ...Object.keys(singles)]))
    }))

  it.effect("restore the state that they were written from", () =>
    Effect.gen(function*() {
      const { records, restored } = yield* populated
      const written = yield* record.changes(empty, restored)
      const first = yield* record.initialRecords(settings, restored)
      assertEqual(applied(new Map(), [...first, ...written]), new Map(records))
      assertEqual(yield* restore(records), restored)
      assertEqual(yield* record.changes(restored, restored), [])
      assertEqual(yield* record.changes(restored, { ...restored }), [])
    }))

  for (const [name, change] of Object.entries(tables)) {
    it.effect(`${name}: an entry that is removed and one that is added in the same batch are both written`, () =>
      Effect.gen(function*() {
        const { records, restored } = yield* populated
        const after = change(restored)
        assert.isFalse(record.isSame(restored, after))
        const changes = yield* record.changes(restored, after)
        assert.lengthOf(changes, 2)
        assert.strictEqual(changes.filter(({ value }) => value === undefined).length, 1)
        for (const { key } of changes) assert.isTrue(key.startsWith(`${name}/`), key)
        assertEqual(yield* restore(applied(records, changes)), after)
      }))

    it.effect(`${name}: an entry that is only added, or only removed, is the one change`, () =>
      Effect.gen(function*() {
        const { records, restored } = yield* populated
        const moves = yield* record.changes(restored, change(restored))
        for (const one of moves) {
          const after = yield* restore(applied(records, [one]))
          const changes = yield* record.changes(restored, after)
          // The other entries are equal but not identical, so they are written again unchanged.
          assertEqual(
            changes.filter(({ key, value }) => records.get(key) !== value),
            [one]
          )
        }
      }))
  }

  for (const [name, change] of Object.entries(singles)) {
    it.effect(`${name}: a change is one record`, () =>
      Effect.gen(function*() {
        const { records, restored } = yield* populated
        const after = change(restored)
        assert.isFalse(record.isSame(restored, after))
        const changes = yield* record.changes(restored, after)
        assertEqual(Stored.keysOf(changes), [`${name}/`])
        assertEqual(yield* restore(applied(records, changes)), after)
      }))
  }

  it.effect("a changed entry is the only one written", () =>
    Effect.gen(function*() {
      const { restored } = yield* populated
      const workloads = Table.modify(restored.workloads, "linked", (workload) => ({ ...workload, linked: false }))
      assertEqual(Stored.keysOf(yield* record.changes(restored, { ...restored, workloads })), ["workloads/linked"])
    }))

  for (const name of ["faults", "journal", "machineTokens", "providerFailures"] as const) {
    it.effect(`${name} are not stored, and are taken from the newer state`, () =>
      Effect.gen(function*() {
        const { restored } = yield* populated
        const after = { ...restored, [name]: unsaved[name] }
        assert.isTrue(record.isSame(restored, after))
        assertEqual(yield* record.changes(restored, after), [])
        assertEqual(record.withUnsavedOf(restored, after), after)
        assertNotEqual(after, restored)
      }))
  }

  it.effect("stored parts are taken from the durable state", () =>
    Effect.gen(function*() {
      const { restored } = yield* populated
      for (const change of Object.values({ ...tables, ...singles })) {
        assertEqual(record.withUnsavedOf(restored, change(restored)), restored)
      }
    }))

  it.effect("a session that was being completed is approved again, and every other status stays", () =>
    Effect.gen(function*() {
      const { records } = yield* populated
      const authorization = { code: "code", codeVerifier: "verifier", redirectUri: "https://app.example/callback" }
      const granted = { accessToken: "token", expiresAt: 0 }
      const members = {
        pending: { authorization: null, granted: null },
        approved: { authorization, granted: null },
        completing: { authorization, granted: null },
        completed: { authorization: null, granted },
        failed: { authorization: null, granted: null }
      }
      for (const [status, member] of Object.entries(members)) {
        const stored = withSessions(records, { status, ...member })
        const again = yield* restore(stored)
        const expected = withSessions(records, { status: status === "completing" ? "approved" : status, ...member })
        assertEqual(applied(new Map(), yield* record.changes(empty, again)), withoutMeta(expected))
      }
    }))

  it.effect("a failed session is read without the code that earlier versions kept", () =>
    Effect.gen(function*() {
      const { records } = yield* populated
      const authorization = { code: "code", codeVerifier: "verifier" }
      const again = yield* restore(withSessions(records, { status: "failed", authorization, granted: null }))
      const expected = withSessions(records, { status: "failed", authorization: null, granted: null })
      assertEqual(applied(new Map(), yield* record.changes(empty, again)), withoutMeta(expected))
    }))

  it.effect("a completed session without its token is damaged", () =>
    Effect.gen(function*() {
      const { records } = yield* populated
      const stored = withSessions(records, { status: "completed", authorization: null, granted: null })
      assert.strictEqual(message(restore(stored)), "a record of 'sessions' is damaged")
    }))

  it.effect("the URLs of providers and portals follow the endpoint of the service", () =>
    Effect.gen(function*() {
      const { records, restored } = yield* populated
      const moved = yield* restore(records, emulator.settings({ endpoint: "http://localhost:4747/" }))
      const urls = (all: State) => [
        ...Table.values(all.oauth2Providers).map(({ callbackUrl }) => callbackUrl),
        ...Table.values(all.portals).map(({ portalUrl }) => portalUrl ?? "")
      ]
      const origin = "https://bedrock-agentcore.us-east-1.amazonaws.com"
      assert.lengthOf(urls(restored), 2)
      assertEqual(urls(moved), urls(restored).map((url) => url.replace(origin, "http://localhost:4747")))
      assertNotEqual(urls(moved), urls(restored))
    }))

  it.effect("a record that cannot be written is reported by its table, without its key", () =>
    Effect.gen(function*() {
      const { restored } = yield* populated
      const sessions = Table.map(restored.sessions, (session) => ({ ...session, ordinal: Number.NaN }))
      assertEqual(record.changes(restored, { ...restored, sessions }), Either.left("sessions"))
      assertEqual(record.changes(restored, { ...restored, sessionsOpened: Infinity }), Either.left("sessionsOpened"))
    }))

  it.effect("a damaged record of any kind is reported by its table, without its key", () =>
    Effect.gen(function*() {
      const { records } = yield* populated
      for (const name of [...Object.keys(tables), ...Object.keys(singles)]) {
        const key = [...records.keys()].find((key) => key.startsWith(`${name}/`)) ?? ""
        for (const value of ["", "null", "[]"]) {
          assert.strictEqual(message(restore(new Map(records).set(key, value))), `a record of '${name}' is damaged`)
        }
      }
      for (const key of ["grants/{}", "secrets/mine"]) {
        const [name = ""] = key.split("/")
        assert.strictEqual(message(restore(new Map(records).set(key, "{}"))), `a record of '${name}' is damaged`)
      }
    }))

  it.effect("are rejected if they belong to another library, format or account", () =>
    Effect.gen(function*() {
      const { records } = yield* populated
      const with_ = (key: string, value: string) => message(restore(new Map(records).set(key, value)))
      const foreign = "it holds records that are not of this library; use an empty or a new folder"
      assert.strictEqual(with_("things/one", "{}"), foreign)
      assert.strictEqual(with_("things", "{}"), foreign)
      assert.strictEqual(with_("/one", "{}"), foreign)
      assert.strictEqual(message(restore([])), foreign)
      assert.strictEqual(message(restore([["meta/owner", "{}"]])), foreign)
      assert.strictEqual(
        with_("meta/version", "1"),
        "it was written in format 1, and this version reads format 2; use another folder or another version"
      )
      for (const other of [{ accountId: "111122223333" }, { region: "eu-west-1" }]) {
        assert.strictEqual(
          message(restore(records, emulator.settings(other))),
          `it belongs to another account or region ({"accountId":"123456789012","region":"us-east-1"}), which its ARNs `
            + "contain; use the same account and region"
        )
      }
      assert.match(message(restore([["meta/version", "2"]])), /^it belongs to another account/)
      assert.strictEqual(message(restore(records)), "restored")
    }))

  it.effect("can be read without the members that were added later", () =>
    Effect.gen(function*() {
      const { records } = yield* populated
      const few = [...records].filter(([key]) => key.startsWith("meta/"))
      assertEqual(yield* restore(few), empty)
      const authorization = { code: "code", codeVerifier: "verifier" }
      const stored = withSessions(records, { status: "approved", authorization, granted: null })
      assertEqual(applied(new Map(), yield* record.changes(empty, yield* restore(stored))), withoutMeta(stored))
    }))
})
