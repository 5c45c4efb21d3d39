/** What goes on in the local service, on one page, and the hands to change it. */
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
import { browser, orNotice, query, remember } from "../../web/forms.js"
import { type Html, html, page, type Value } from "../../web/html.js"
import * as failures from "../state/errorsOf.js"
import { type Current, maxClockMoveSeconds, minDelaySeconds, Trouble } from "../state/faultInjection.js"
import * as inventory from "../state/inventory.js"
import * as actions from "./dashboardActions.js"

const refreshSeconds = 5

const calls = 50

/** How many rows of a table are shown: a page that loads itself every few seconds has to stay small. */
const maxRows = 200

const time = (at: DateTime.Utc) => DateTime.formatIso(at).slice(11, 19)

const hidden = (name: string, value: string | number) => html`<input type="hidden" name="${name}" value="${value}">`

/** What each form of this page carries. */
interface Frame {
  readonly ticket: string
  readonly isStill: boolean
}

const frame = ({ isStill, ticket }: Frame) => [hidden("ticket", ticket), isStill ? hidden("still", "1") : undefined]

const buttons = (
  of: Frame,
  handle: number,
  label: string,
  ...choices: ReadonlyArray<readonly [action: string, label: string]>
) =>
  html`<form method="post" action="/">${frame(of)}${hidden("handle", handle)}${
    choices.map(([action, text]) =>
      html`<button class="small" name="action" value="${action}" aria-label="${text}: ${label}">${text}</button>`
    )
  }</form>`

/**
 * The first of `all`. A table that scrolls by itself can be reached by the keyboard, and has a name.
 */
const table = <A>(
  name: string,
  heads: ReadonlyArray<string>,
  all: ReadonlyArray<A>,
  row: (one: A) => Html,
  none: string
): Value =>
  all.length === 0
    ? html`<p class="soft small">${none}</p>`
    : [
      html`<div class="scroll" role="region" aria-label="${name}, table" tabindex="0"><table><thead><tr>${
        heads.map((head) => html`<th scope="col">${head}</th>`)
      }</tr></thead><tbody>${all.slice(0, maxRows).map(row)}</tbody></table></div>`,
      all.length > maxRows
        ? html`<p class="soft small">And ${all.length - maxRows} more: <code>GET /_local/state</code> tells of all.</p>`
        : undefined
    ]

const section = (id: string, title: string, count: number | undefined, body: Value, isAll = false): Html =>
  html`<section class="card${isAll ? " all" : ""}" aria-labelledby="${id}"><h2 id="${id}">${title}${
    count === undefined ? undefined : html` <span class="count">${count}</span>`
  }</h2>${body}</section>`

const tones = { pending: "wait", approved: "wait", completed: "ok", failed: "no", expired: "no" } as const

/** Session URIs are secret: a row is known by its place on the page. */
const sessionRow = (of: Frame, handle: number, session: ConsentSession) => {
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

const sessionHeads = ["Id", "Asked", "Workload", "User", "Provider", "Scopes", "State", "Actions"]

const grantRow = (of: Frame, handle: number, grant: Grant) =>
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

/** OAuth2 providers only: their names are no secret, and the handle is their place among all. */
const providerRow = (of: Frame) => ({ discoveryUrl, issuer, kind, name, vendor }: inventory.Provider) =>
  html`<tr><td>${name}</td><td>${kind}</td><td>${vendor ?? "–"}</td><td class="row">${
    issuer === undefined ? "–" : [
      html`<span class="state ${issuer === "federated" ? "ok" : "wait"}">${issuer}</span> ${discoveryUrl}`,
      html`<form method="post" action="/">${frame(of)}${
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

const times = html`<label>How often <input type="number" name="times" value="1" min="1" max="1000" required></label>`

const operations = html`<label class="grow">Operation <select name="operation">${
  failures.keys.map((key) => html`<option>${key}</option>`)
}</select></label>`

const breaking = (of: Frame) => [
  html`<form method="post" action="/">${frame(of)}<fieldset><legend>Move the clock forward</legend><div class="fields">
<label>Seconds <input type="number" name="moveSeconds" value="600" min="1" max="${maxClockMoveSeconds}" required></label>
<button name="action" value="clock">Move the clock</button></div></fieldset></form>`,
  html`<form method="post" action="/">${frame(of)}<fieldset><legend>Fail the next calls</legend><div class="fields">
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
    frame(of)
  }<fieldset><legend>Delay the next calls</legend><div class="fields">${operations}${times}
<label>Seconds <input type="number" name="seconds" value="5" min="${minDelaySeconds}" max="3600" step="any" required></label>
<button name="action" value="delay">Delay</button></div></fieldset></form>`,
  html`<form method="post" action="/">${
    frame(of)
  }<fieldset><legend>Drop the connection of the next calls</legend><div class="fields">${operations}${times}
<label>What is lost <select name="lost"><option value="request">the request</option><option value="answer">the answer</option></select></label>
<button name="action" value="drop">Drop</button></div></fieldset></form>`
]

const often = (times: number) => times === 1 ? "once" : `${times} times`

const pendingFaults = (failures: ReadonlyArray<PendingFailure>, { delays, drops }: Current): ReadonlyArray<string> => [
  ...failures.map(({ error, operation, times }) => `${operation}: fails with ${error}, ${often(times)}`),
  ...delays.map(({ duration, operation, times }) =>
    `${operation}: delayed by ${Duration.format(duration)}, ${often(times)}`
  ),
  ...drops.map(({ lost, operation, times }) => `${operation}: ${lost} lost, ${often(times)}`)
]

const waiting = (of: Frame, texts: ReadonlyArray<string>) =>
  texts.length === 0 ?
    undefined :
    html`<ul class="scopes small">${texts.slice(0, maxRows).map((text) => html`<li>${text}</li>`)}</ul>
<form method="post" action="/">${
      frame(of)
    }<p><button class="small" name="action" value="reset">Cancel all of these</button></p></form>`

const all = (of: Frame) =>
  html`<form method="post" action="/">${
    frame(of)
  }<p><button class="small" name="action" value="expire-tokens">Expire all tokens</button> <button class="small" name="action" value="revoke">Revoke all</button></p></form>`

const dashboard = Effect.gen(function*() {
  const parameters = yield* query
  const isStill = parameters.has("still")
  const flash = actions.flashMessage(parameters.get("done"))
  const controls = yield* IdentityControls
  const trouble = yield* Trouble
  const who = yield* browser
  const { providers, workloads } = yield* inventory.read
  const journal = yield* controls.journal
  const sessions = yield* controls.sessions
  const [pending, finished] = Arr.partition(
    // The newest first: they are what somebody waits for.
    Arr.reverse(sessions.map((session, handle) => ({ session, handle }))),
    ({ session }) => session.status !== "pending"
  )
  const grants = yield* controls.grants
  const providerFailures = yield* controls.providerFailures
  const current = yield* trouble.current
  const now = DateTime.unsafeMake(yield* Clock.currentTimeMillis)
  const of: Frame = {
    isStill,
    ticket: yield* trouble.tickets.dashboards.issue(who, {
      sessions: new Map(
        [pending, finished].flatMap(Arr.take(maxRows)).map(({ handle, session }) => [handle, session.sessionUri])
      ),
      grants: new Map(Arr.take(grants, maxRows).map((grant, handle) => [handle, grant]))
    })
  }
  const row = ({ handle, session }: typeof pending[number]) => sessionRow(of, handle, session)
  const shown = yield* page({
    title: "Local AgentCore Identity",
    isWide: true,
    refresh: isStill ? undefined : refreshSeconds,
    foot:
      html` <a href="/_local/">The endpoints under <code>/_local/</code></a> do the same for tests; guides/local-server.md tells of both.`,
    body: html`<div class="head"><div><h1>Local AgentCore Identity</h1><p class="soft small">It is ${
      DateTime.formatIso(now).slice(0, 19).replace("T", " ")
    } UTC here${
      Duration.toMillis(current.moved) === 0 ? undefined : `, ${Duration.format(current.moved)} ahead`
    }.</p></div><p class="small">${
      isStill
        ? html`This page stands still. <a href="/">Refresh it every ${refreshSeconds} seconds</a>`
        : html`Refreshed every ${refreshSeconds} seconds. <a href="/?still">Stand still, and break something</a>`
    }</p></div>
${flash === undefined ? undefined : html`<p class="flash" role="status">${flash}</p>`}
<div class="grid">
${
      section(
        "pending",
        "Waiting for consent",
        pending.length,
        table("Waiting for consent", sessionHeads, pending, row, "Nobody is asked for anything."),
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
          "Nobody has consented yet."
        ),
        all(of)
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
          Arr.reverse(journal.slice(-calls)),
          callRow,
          "Nobody has called yet."
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
        "What providers answered",
        providerFailures.length,
        table(
          "What providers answered",
          ["Time", "Provider", "Asked for", "Reason", "Answer"],
          Arr.reverse(providerFailures),
          providerFailureRow,
          "No federated provider has refused anything."
        ),
        true
      )
    }
${
      section("trouble", "Break something", undefined, [
        waiting(of, pendingFaults(yield* controls.pendingFailures, current)),
        // What is typed would be lost when the page loads itself again.
        ...isStill
          ? breaking(of)
          : [
            html`<p class="soft small">Time, failures, delays and lost connections: <a href="/?still#trouble">stand still first</a>, so that nothing you type is lost.</p>`
          ]
      ], true)
    }
</div>`
  })
  return yield* remember(shown, who)
})

/** @internal */
export const router: HttpRouter.HttpRouter<never, IdentityControls | Trouble> = HttpRouter.empty.pipe(
  HttpRouter.get("/", dashboard),
  HttpRouter.post("/", orNotice(actions.handle))
)
