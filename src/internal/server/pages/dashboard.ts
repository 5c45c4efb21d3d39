/** The dashboard: the state of the local service on one page, with the test controls. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type ConsentSession, type Grant, IdentityControls } from "../../../IdentityControls.js"
import { browser, query, remember } from "../../web/forms.js"
import { type Html, html, type Value } from "../../web/html.js"
import { FaultInjection } from "../state/faultInjection.js"
import * as inventory from "../state/inventory.js"
import { MovableClock } from "../state/movableClock.js"
import { PageTokens } from "../state/pageTokens.js"
import * as actions from "./dashboardActions.js"
import * as forms from "./dashboardForms.js"
import * as tables from "./dashboardTables.js"
import { orNotice, page, toDashboard } from "./frame.js"
import { maxRows } from "./table.js"

const refreshSeconds = 5

const maxCalls = 50

const section = (id: string, title: string, count: number | undefined, body: Value, isAll = false): Html =>
  html`<section class="card${isAll ? " all" : ""}" aria-labelledby="${id}"><h2 id="${id}">${title}${
    count === undefined ? undefined : html` <span class="count">${count}</span>`
  }</h2>${body}</section>`

const head = (now: DateTime.Utc, moved: Duration.Duration, isPaused: boolean) =>
  html`<div class="head"><div><h1>Local AgentCore Identity</h1><p class="soft small">Time of this server: ${
    DateTime.formatIso(now).slice(0, 19).replace("T", " ")
  } UTC${Duration.toMillis(moved) === 0 ? undefined : `, ${Duration.format(moved)} ahead`}.</p></div><p class="small">${
    isPaused
      ? html`Refresh is paused. <a href="/">Refresh every ${refreshSeconds} seconds</a>`
      : html`Refreshed every ${refreshSeconds} seconds. <a href="/?still">Pause refresh, inject a failure</a>`
  }</p></div>`

const flash = (message: actions.FlashMessage | undefined) =>
  message === undefined ? undefined : html`<p class="flash ${message.tone}" role="status">${message.text}</p>`

const dashboard = Effect.gen(function*() {
  const parameters = yield* query
  const isPaused = parameters.has("still")
  const controls = yield* IdentityControls
  const { offset } = yield* MovableClock
  const faults = yield* FaultInjection
  const { dashboards } = yield* PageTokens
  const browserId = yield* browser
  const { providers, workloads } = yield* inventory.read
  const journal = yield* controls.journal
  // The newest first: a user waits for them.
  const newest = (statuses: ReadonlyArray<ConsentSession["status"]>) =>
    Effect.map(
      controls.sessionsPage({ limit: maxRows, statuses }),
      ({ sessions }) => sessions.map((session): tables.Row<ConsentSession> => [session.id - 1, session])
    )
  const pending = yield* newest(["pending"])
  const finished = yield* newest(["approved", "completed", "failed", "expired"])
  const counts = yield* controls.sessionCounts
  const { grants: firstGrants, total: grantCount } = yield* controls.grantsPage(maxRows)
  const grants = firstGrants.map((grant, handle): tables.Row<Grant> => [handle, grant])
  const providerFailures = Arr.reverse(yield* controls.providerFailures)
  const of: forms.Hidden = {
    isPaused,
    token: yield* dashboards.issue(browserId, {
      sessions: new Map([...pending, ...finished].map(([handle, { sessionUri }]) => [handle, sessionUri])),
      grants: new Map(grants)
    })
  }
  const response = yield* page({
    title: "Local AgentCore Identity",
    isWide: true,
    hasCopyButtons: true,
    refresh: isPaused ? undefined : refreshSeconds,
    foot:
      html` <a href="/_local/">The endpoints under <code>/_local/</code></a> do the same for tests. Both are documented in guides/local-server.md.`,
    body: html`${head(DateTime.unsafeMake(yield* Clock.currentTimeMillis), yield* offset, isPaused)}
${flash(actions.flashMessage(parameters.get("done")))}
<div class="grid">
${
      section(
        "pending",
        "Pending consents",
        counts.pending,
        tables.pendingSessions(of, "Pending consents", pending, counts.pending),
        true
      )
    }
${
      section("grants", "Grants in the vault", grantCount, [
        tables.grants(of, "Grants in the vault", grants, grantCount),
        forms.grantForms(of)
      ], true)
    }
${
      section(
        "finished",
        "Answered consents",
        counts.finished,
        tables.finishedSessions(of, "Answered consents", finished, counts.finished),
        true
      )
    }
${
      section(
        "providers",
        "Credential providers",
        providers.length,
        tables.providers(of, "Credential providers", providers),
        true
      )
    }
${section("calls", "Last calls", undefined, tables.calls("Last calls", Arr.reverse(journal.slice(-maxCalls))))}
${
      section(
        "workloads",
        "Workload identities",
        workloads.length,
        tables.workloads("Workload identities", workloads)
      )
    }
${
      section(
        "provider-failures",
        "Provider errors",
        providerFailures.length,
        tables.providerFailures("Provider errors", providerFailures),
        true
      )
    }
${
      section("faults", "Inject failures", undefined, [
        forms.faultList(of, forms.pendingFaults(yield* controls.pendingFailures, yield* faults.pending)),
        // A reload would clear the fields.
        ...isPaused
          ? forms.faultForms(of)
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
    HttpRouter.post("/", orNotice(actions.handle, toDashboard()))
  )
