/** The dashboard: the state of the local service on one page, with the test controls. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import {
  type ConsentSession,
  type Grant,
  IdentityControls,
  type JournalEntry,
  type PendingFailure,
  type ProviderFailure
} from "../../../IdentityControls.js"
import { exceptions } from "../../model/exceptions.js"
import { browser, query, remember } from "../../web/forms.js"
import { type Html, html, type Value } from "../../web/html.js"
import * as failures from "../state/errorsOf.js"
import { FaultInjection, minDelaySeconds, type PendingFaults } from "../state/faultInjection.js"
import * as inventory from "../state/inventory.js"
import { maxClockMoveSeconds, MovableClock } from "../state/movableClock.js"
import { PageTokens } from "../state/pageTokens.js"
import * as actions from "./dashboardActions.js"
import { orNotice, page } from "./frame.js"

const refreshSeconds = 5

const maxCalls = 50

/** The rows of a table. A page that reloads every few seconds must stay small. */
const maxRows = 200

const time = (at: DateTime.Utc) => DateTime.formatIso(at).slice(11, 19)

const hidden = (name: string, value: string | number) => html`<input type="hidden" name="${name}" value="${value}">`

/** The hidden fields of each form. */
interface Hidden {
  readonly token: string
  readonly isPaused: boolean
}

const hiddenFields = ({ isPaused, token }: Hidden) => [
  hidden("token", token),
  isPaused ? hidden("still", "1") : undefined
]

const buttons = (
  of: Hidden,
  handle: number,
  label: string,
  ...choices: ReadonlyArray<readonly [action: string, label: string]>
) =>
  html`<form method="post" action="/">${hiddenFields(of)}${hidden("handle", handle)}${
    choices.map(([action, text]) =>
      html`<button class="small" name="action" value="${action}" aria-label="${text}: ${label}">${text}</button>`
    )
  }</form>`

/** The first rows of a table. Its scrollable region has a name and can be focused with the keyboard. */
const table = <A>(
  name: string,
  heads: ReadonlyArray<string>,
  all: ReadonlyArray<A>,
  row: (item: A) => Html,
  none: string
): Value =>
  all.length === 0
    ? html`<p class="soft small">${none}</p>`
    : [
      html`<div class="scroll" role="region" aria-label="${name}, table" tabindex="0"><table><thead><tr>${
        heads.map((head) => html`<th scope="col">${head}</th>`)
      }</tr></thead><tbody>${all.slice(0, maxRows).map(row)}</tbody></table></div>`,
      all.length > maxRows
        ? html`<p class="soft small">${all.length - maxRows} more: <code>GET /_local/state</code> lists all.</p>`
        : undefined
    ]

const section = (id: string, title: string, count: number | undefined, body: Value, isAll = false): Html =>
  html`<section class="card${isAll ? " all" : ""}" aria-labelledby="${id}"><h2 id="${id}">${title}${
    count === undefined ? undefined : html` <span class="count">${count}</span>`
  }</h2>${body}</section>`

const tones = { pending: "wait", approved: "wait", completed: "ok", failed: "no", expired: "no" } as const

/** The forms refer to a session by its index, since its URI is secret. */
const sessionRow = (of: Hidden, handle: number, session: ConsentSession) => {
  const label = `${session.workloadName} at ${session.providerName}, consent ${session.id}`
  return html`<tr><td>${session.id}</td><td class="time">${
    time(session.createdAt)
  }</td><td>${session.workloadName}</td><td>${session.user ?? "–"}</td><td>${session.providerName}</td><td>${
    session.scopes.join(" ")
  }</td><td><span class="state ${tones[session.status]}">${session.status}</span></td><td class="row">${
    session.status === "pending"
      ? buttons(of, handle, label, ["approve", "Approve"], ["deny", "Deny"], ["expire-session", "Expire"])
      : session.status === "approved"
      ? buttons(of, handle, label, ["expire-session", "Expire"])
      : undefined
  }</td></tr>`
}

const sessionHeads = ["Id", "Created", "Workload", "User", "Provider", "Scopes", "Status", "Actions"]

const grantRow = (of: Hidden, handle: number, grant: Grant) =>
  html`<tr><td>${grant.workloadName}</td><td>${grant.user}</td><td>${grant.providerName}</td><td>${
    grant.scopes.join(" ")
  }</td><td><code>${grant.fingerprint}</code></td><td class="time">${time(grant.expiresAt)}</td><td>${
    grant.isRefreshable ? "yes" : "no"
  }</td><td class="row">${
    buttons(
      of,
      handle,
      `${grant.workloadName} at ${grant.providerName} for ${grant.user}`,
      ["expire-tokens", "Expire token"],
      ["revoke", "Revoke"]
    )
  }</td></tr>`

const callRow = ({ at, operation, outcome }: JournalEntry) =>
  html`<tr><td class="time">${time(at)}</td><td><code>${operation}</code></td><td><span class="state ${
    outcome === "ok" ? "ok" : "no"
  }">${outcome}</span></td></tr>`

/** Only OAuth2 providers have an issuer and a form. */
const providerRow = (of: Hidden) => ({ discoveryUrl, issuer, kind, name, vendor }: inventory.Provider) =>
  html`<tr><td>${name}</td><td>${kind}</td><td>${vendor ?? "–"}</td><td class="row">${
    issuer === undefined ? "–" : [
      html`<span class="state ${issuer === "federated" ? "ok" : "wait"}">${issuer}</span> ${discoveryUrl}`,
      html`<form method="post" action="/">${hiddenFields(of)}${
        hidden("provider", name)
      }<button class="small" name="action" value="${issuer === "federated" ? "simulate" : "federate"}" aria-label="${
        issuer === "federated" ? "Simulate" : "Federate"
      }: ${name}">${issuer === "federated" ? "Simulate" : "Federate"}</button></form>`
    ]
  }</td></tr>`

const providerFailureRow = ({ at, description, error, providerName, reason, status, step }: ProviderFailure) =>
  html`<tr><td class="time">${
    time(at)
  }</td><td>${providerName}</td><td>${step}</td><td><span class="state no">${reason}</span></td><td>${
    [status, error, description].filter((part) => part !== undefined).join(", ")
  }</td></tr>`

const times = html`<label>Calls <input type="number" name="times" value="1" min="1" max="1000" required></label>`

const operations = html`<label class="grow">Operation <select name="operation">${
  failures.keys.map((key) => html`<option>${key}</option>`)
}</select></label>`

const faultForms = (of: Hidden) => [
  html`<form method="post" action="/">${
    hiddenFields(of)
  }<fieldset><legend>Move the clock forward</legend><div class="fields">
<label>Seconds <input type="number" name="moveSeconds" value="600" min="1" max="${maxClockMoveSeconds}" required></label>
<button name="action" value="clock">Move the clock</button></div></fieldset></form>`,
  html`<form method="post" action="/">${
    hiddenFields(of)
  }<fieldset><legend>Fail the next calls</legend><div class="fields">
<label class="grow">Operation and error <select name="failure">${
    failures.keys.map((key) =>
      html`<optgroup label="${key}">${
        failures.errorsOf(key).map((tag) =>
          html`<option value="${key} ${tag}">${key}: ${exceptions[tag].exception}</option>`
        )
      }</optgroup>`
    )
  }</select></label>${times}<button name="action" value="fail">Fail</button></div></fieldset></form>`,
  html`<form method="post" action="/">${
    hiddenFields(of)
  }<fieldset><legend>Delay the next calls</legend><div class="fields">${operations}${times}
<label>Seconds <input type="number" name="seconds" value="5" min="${minDelaySeconds}" max="3600" step="any" required></label>
<button name="action" value="delay">Delay</button></div></fieldset></form>`,
  html`<form method="post" action="/">${
    hiddenFields(of)
  }<fieldset><legend>Drop the connection of the next calls</legend><div class="fields">${operations}${times}
<label>Lost <select name="lost"><option value="request">request</option><option value="answer">response</option></select></label>
<button name="action" value="drop">Drop</button></div></fieldset></form>`
]

const nextCalls = (times: number) => times === 1 ? "next call" : `next ${times} calls`

const pendingFaults = (
  failures: ReadonlyArray<PendingFailure>,
  { delays, drops }: PendingFaults
): ReadonlyArray<string> => [
  ...failures.map(({ error, operation, times }) => `${operation}: fails with ${error}, ${nextCalls(times)}`),
  ...delays.map(({ duration, operation, times }) =>
    `${operation}: delayed by ${Duration.format(duration)}, ${nextCalls(times)}`
  ),
  ...drops.map(({ lost, operation, times }) =>
    `${operation}: ${lost === "answer" ? "response" : lost} lost, ${nextCalls(times)}`
  )
]

const faultList = (of: Hidden, texts: ReadonlyArray<string>) =>
  texts.length === 0 ?
    undefined :
    html`<ul class="scopes small">${texts.slice(0, maxRows).map((text) => html`<li>${text}</li>`)}</ul>
<form method="post" action="/">${
      hiddenFields(of)
    }<p><button class="small" name="action" value="reset">Cancel all</button></p></form>`

const grantForms = (of: Hidden) =>
  html`<form method="post" action="/">${
    hiddenFields(of)
  }<p><button class="small" name="action" value="expire-tokens">Expire all tokens</button> <button class="small" name="action" value="revoke">Revoke all</button></p></form>`

const dashboard = Effect.gen(function*() {
  const parameters = yield* query
  const isPaused = parameters.has("still")
  const flash = actions.flashMessage(parameters.get("done"))
  const controls = yield* IdentityControls
  const { offset } = yield* MovableClock
  const faults = yield* FaultInjection
  const { dashboards } = yield* PageTokens
  const browserId = yield* browser
  const { providers, workloads } = yield* inventory.read
  const journal = yield* controls.journal
  const sessions = yield* controls.sessions
  const [pending, finished] = Arr.partition(
    // The newest first: a user waits for them.
    Arr.reverse(sessions.map((session, handle) => ({ session, handle }))),
    ({ session }) => session.status !== "pending"
  )
  const grants = yield* controls.grants
  const providerFailures = yield* controls.providerFailures
  const moved = yield* offset
  const now = DateTime.unsafeMake(yield* Clock.currentTimeMillis)
  const of: Hidden = {
    isPaused,
    token: yield* dashboards.issue(browserId, {
      sessions: new Map(
        [pending, finished].flatMap(Arr.take(maxRows)).map(({ handle, session }) => [handle, session.sessionUri])
      ),
      grants: new Map(Arr.take(grants, maxRows).map((grant, handle) => [handle, grant]))
    })
  }
  const row = ({ handle, session }: typeof pending[number]) => sessionRow(of, handle, session)
  const response = yield* page({
    title: "Local AgentCore Identity",
    isWide: true,
    refresh: isPaused ? undefined : refreshSeconds,
    foot:
      html` <a href="/_local/">The endpoints under <code>/_local/</code></a> do the same for tests. Both are documented in guides/local-server.md.`,
    body: html`<div class="head"><div><h1>Local AgentCore Identity</h1><p class="soft small">Time of this server: ${
      DateTime.formatIso(now).slice(0, 19).replace("T", " ")
    } UTC${
      Duration.toMillis(moved) === 0 ? undefined : `, ${Duration.format(moved)} ahead`
    }.</p></div><p class="small">${
      isPaused
        ? html`Refresh is paused. <a href="/">Refresh every ${refreshSeconds} seconds</a>`
        : html`Refreshed every ${refreshSeconds} seconds. <a href="/?still">Pause refresh, inject a failure</a>`
    }</p></div>
${flash === undefined ? undefined : html`<p class="flash" role="status">${flash}</p>`}
<div class="grid">
${
      section(
        "pending",
        "Pending consents",
        pending.length,
        table("Pending consents", sessionHeads, pending, row, "No consent is pending."),
        true
      )
    }
${
      section("grants", "Grants in the vault", grants.length, [
        table(
          "Grants in the vault",
          ["Workload", "User", "Provider", "Scopes", "Fingerprint", "Expires", "Refreshable", "Actions"],
          grants.map((grant, handle) => ({ grant, handle })),
          ({ grant, handle }) => grantRow(of, handle, grant),
          "No grants yet."
        ),
        grantForms(of)
      ], true)
    }
${
      section(
        "calls",
        "Last calls",
        undefined,
        table(
          "Last calls",
          ["Time", "Operation", "Outcome"],
          Arr.reverse(journal.slice(-maxCalls)),
          callRow,
          "No calls yet."
        )
      )
    }
${
      section(
        "finished",
        "Finished consents",
        finished.length,
        table("Finished consents", sessionHeads, finished, row, "None yet.")
      )
    }
${
      section(
        "workloads",
        "Workload identities",
        workloads.length,
        table("Workload identities", ["Name"], workloads, (name) => html`<tr><td>${name}</td></tr>`, "None yet.")
      )
    }
${
      section(
        "providers",
        "Credential providers",
        providers.length,
        table("Credential providers", ["Name", "Kind", "Vendor", "Issuer"], providers, providerRow(of), "None yet.")
      )
    }
${
      section(
        "provider-failures",
        "Provider errors",
        providerFailures.length,
        table(
          "Provider errors",
          ["Time", "Provider", "Step", "Reason", "Response"],
          Arr.reverse(providerFailures),
          providerFailureRow,
          "No federated provider has returned an error."
        ),
        true
      )
    }
${
      section("faults", "Inject failures", undefined, [
        faultList(of, pendingFaults(yield* controls.pendingFailures, yield* faults.pending)),
        // A reload would clear the fields.
        ...isPaused
          ? faultForms(of)
          : [
            html`<p class="soft small">Clock, failures, delays and lost connections: <a href="/?still#faults">pause the refresh first</a>, so that your input is not lost.</p>`
          ]
      ], true)
    }
</div>`
  })
  return yield* remember(response, browserId)
})

/** @internal */
export const router: HttpRouter.HttpRouter<never, IdentityControls | FaultInjection | MovableClock | PageTokens> =
  HttpRouter.empty.pipe(
    HttpRouter.get("/", dashboard),
    HttpRouter.post("/", orNotice(actions.handle))
  )
