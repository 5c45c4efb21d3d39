/** The tables of the dashboard. */
import * as DateTime from "effect/DateTime"
import type { ConsentSession, Grant, JournalEntry, ProviderFailure } from "../../../IdentityControls.js"
import { copyable } from "../../web/copyable.js"
import { html, name, type Value } from "../../web/html.js"
import type * as inventory from "../state/inventory.js"
import { type Hidden, providerButton, rowButtons } from "./dashboardForms.js"
import { type Column, list, table } from "./table.js"

/** A row, and the number by which its forms refer to it. */
export type Row<A> = readonly [handle: number, item: A]

const columns = (...heads: ReadonlyArray<string>): ReadonlyArray<Column> => heads.map((head) => ({ head }))

const time = (at: DateTime.Utc) => DateTime.formatIso(at).slice(11, 19)

const actions: Column = { head: "Actions", className: "row" }

const timeColumn = (head: string): Column => ({ head, className: "time" })

const state = (tone: "ok" | "no" | "wait" | "over", text: string) => html`<span class="state ${tone}">${text}</span>`

/** Characters of the scopes that a row shows. A request may have thousands of scopes. */
const maxScopes = 512

/** The first scopes, and the number of the others. The consent page shows more. */
const scopesOf = ({ scopes }: { readonly scopes: ReadonlyArray<string> }): Value => {
  let left = maxScopes
  const isHidden = (scope: string) => {
    left -= scope.length
    return left < 0
  }
  const first = scopes.findIndex(isHidden)
  return first === -1
    ? list(scopes.map(name))
    : [list(scopes.slice(0, first).map(name)), ` … ${scopes.length - first} more`]
}

const tones = { pending: "wait", approved: "wait", completed: "ok", failed: "no", expired: "over" } as const

/** The forms refer to a session by the number of sessions before it, since its URI is secret. */
const sessionButtons = (of: Hidden, handle: number, session: ConsentSession): Value => {
  const label = `${session.workloadName} at ${session.providerName}, consent ${session.id}`
  return session.status === "pending"
    ? rowButtons(
      of,
      handle,
      label,
      ["approve", "Approve"],
      ["approve-complete", "Approve and complete"],
      ["deny", "Deny"],
      ["expire-session", "Expire"]
    )
    : session.status === "approved"
    ? rowButtons(of, handle, label, ["complete", "Complete"], ["expire-session", "Expire"])
    : undefined
}

const sessionColumns = [{ head: "Id" }, timeColumn("Created"), ...columns("Workload", "User", "Provider", "Scopes")]

const sessionCells = (session: ConsentSession): ReadonlyArray<Value> => [
  session.id,
  time(session.createdAt),
  name(session.workloadName),
  session.user === undefined ? "–" : name(session.user),
  name(session.providerName),
  scopesOf(session)
]

/** @internal */
export const pendingSessions = (
  of: Hidden,
  title: string,
  rows: ReadonlyArray<Row<ConsentSession>>,
  total: number
): Value =>
  table(
    title,
    [...sessionColumns, actions],
    rows,
    ([handle, session]) => [...sessionCells(session), sessionButtons(of, handle, session)],
    "No consent is pending.",
    { total, maxBytes: 300_000 }
  )

/** @internal */
export const finishedSessions = (
  of: Hidden,
  title: string,
  rows: ReadonlyArray<Row<ConsentSession>>,
  total: number
): Value =>
  table(
    title,
    [...sessionColumns, { head: "Status" }, actions],
    rows,
    ([handle, session]) => [
      ...sessionCells(session),
      state(tones[session.status], session.status),
      sessionButtons(of, handle, session)
    ],
    "None yet.",
    { total, maxBytes: 150_000 }
  )

/** @internal */
export const grants = (of: Hidden, title: string, rows: ReadonlyArray<Row<Grant>>, total: number): Value =>
  table(
    title,
    [
      ...columns("Workload", "User", "Provider", "Scopes", "Fingerprint"),
      timeColumn("Expires"),
      { head: "Refreshable" },
      actions
    ],
    rows,
    ([handle, grant]) => [
      name(grant.workloadName),
      name(grant.user),
      name(grant.providerName),
      scopesOf(grant),
      html`<code>${grant.fingerprint}</code>`,
      time(grant.expiresAt),
      grant.isRefreshable ? "yes" : "no",
      rowButtons(
        of,
        handle,
        `${grant.workloadName} at ${grant.providerName} for ${grant.user}`,
        ["expire-tokens", "Expire token"],
        ["revoke", "Revoke"]
      )
    ],
    "No grants yet.",
    { total, maxBytes: 220_000 }
  )

const resultTones = { token: "ok", "consent required": "wait", "consent pending": "wait", denied: "no" } as const

/** The outcome of a call is the one that the log of the server shows. */
export const calls = (title: string, entries: ReadonlyArray<JournalEntry>): Value =>
  table(
    title,
    [timeColumn("Time"), ...columns("Operation", "Outcome")],
    entries,
    ({ at, operation, outcome, tokenResult }) => [
      time(at),
      html`<code>${operation}</code>`,
      state(
        tokenResult === undefined ? outcome === "ok" ? "ok" : "no" : resultTones[tokenResult],
        tokenResult ?? outcome
      )
    ],
    "No calls yet."
  )

/** @internal */
export const workloads = (title: string, names: ReadonlyArray<string>): Value =>
  table(title, columns("Name"), names, (workload) => [name(workload)], "None yet.")

/** Only OAuth2 providers have an issuer, a callback URL and a form. */
export const providers = (of: Hidden, title: string, all: ReadonlyArray<inventory.Provider>): Value =>
  table(
    title,
    [...columns("Name", "Kind", "Vendor", "Issuer", "Callback URL"), actions],
    all,
    ({ callbackUrl, discoveryUrl, issuer, kind, name: provider, vendor }) => [
      name(provider),
      kind,
      vendor ?? "–",
      issuer === undefined ? "–" : [
        state(issuer === "federated" ? "ok" : "wait", issuer),
        discoveryUrl === undefined ? undefined : [" ", name(discoveryUrl)]
      ],
      callbackUrl === undefined ? "–" : copyable(`Callback URL of ${provider}`, callbackUrl),
      issuer === undefined
        ? undefined
        : providerButton(of, provider, issuer === "federated" ? ["simulate", "Simulate"] : ["federate", "Federate"])
    ],
    "None yet.",
    { maxBytes: 150_000 }
  )

/** @internal */
export const providerFailures = (title: string, all: ReadonlyArray<ProviderFailure>): Value =>
  table(
    title,
    [timeColumn("Time"), ...columns("Provider", "Step", "Reason", "Response")],
    all,
    ({ at, description, error, providerName, reason, status, step }) => [
      time(at),
      name(providerName),
      step,
      state("no", reason),
      [status, error, description].filter((part) => part !== undefined).map((part, index) => [
        index === 0 ? "" : ", ",
        name(part)
      ])
    ],
    "No federated provider has returned an error."
  )
