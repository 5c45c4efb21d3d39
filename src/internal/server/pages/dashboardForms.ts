/** The forms of the dashboard. */
import * as Duration from "effect/Duration"
import type { PendingFailure } from "../../../IdentityControls.js"
import { exceptions } from "../../model/exceptions.js"
import { type Html, html, type Value } from "../../web/html.js"
import * as failures from "../state/errorsOf.js"
import { minDelaySeconds, type PendingFaults } from "../state/faultInjection.js"
import { maxClockMoveSeconds } from "../state/movableClock.js"
import { maxRows } from "./table.js"

const hidden = (name: string, value: string | number) => html`<input type="hidden" name="${name}" value="${value}">`

/** The hidden fields of each form. */
export interface Hidden {
  readonly token: string
  readonly isPaused: boolean
}

const form = ({ isPaused, token }: Hidden, content: Value): Html =>
  html`<form method="post" action="/">${hidden("token", token)}${
    isPaused ? hidden("still", "1") : undefined
  }${content}</form>`

/** An action of a row: its name in the form, and the text of its button. */
export type Choice = readonly [action: string, text: string]

const button = ([action, text]: Choice, label?: string) =>
  html`<button class="small" name="action" value="${action}"${
    label === undefined ? undefined : html` aria-label="${text}: ${label}"`
  }>${text}</button>`

/** The buttons of a row. `label` tells a screen reader which row. */
export const rowButtons = (of: Hidden, handle: number, label: string, ...choices: ReadonlyArray<Choice>): Html =>
  form(of, [hidden("handle", handle), choices.map((choice) => button(choice, label))])

/** The button of an OAuth2 provider. */
export const providerButton = (of: Hidden, provider: string, choice: Choice): Html =>
  form(of, [hidden("provider", provider), button(choice, provider)])

/** @internal */
export const grantForms = (of: Hidden): Html =>
  form(of, html`<p>${button(["expire-tokens", "Expire all tokens"])} ${button(["revoke", "Revoke all"])}</p>`)

const fields = (of: Hidden, legend: string, content: Html) =>
  form(of, html`<fieldset><legend>${legend}</legend><div class="fields">${content}</div></fieldset>`)

const times = html`<label>Calls <input type="number" name="times" value="1" min="1" max="1000" required></label>`

const operations = html`<label class="grow">Operation <select name="operation">${
  failures.keys.map((key) => html`<option>${key}</option>`)
}</select></label>`

const errors = html`<label class="grow">Operation and error <select name="failure">${
  failures.keys.map((key) =>
    html`<optgroup label="${key}">${
      failures.errorsOf(key).map((tag) =>
        html`<option value="${key} ${tag}">${key}: ${exceptions[tag].exception}</option>`
      )
    }</optgroup>`
  )
}</select></label>`

/** @internal */
export const faultForms = (of: Hidden): ReadonlyArray<Html> => [
  fields(
    of,
    "Move the clock forward",
    html`
<label>Seconds <input type="number" name="moveSeconds" value="600" min="1" max="${maxClockMoveSeconds}" required></label>
<button name="action" value="clock">Move the clock</button>`
  ),
  fields(of, "Fail the next calls", html`${errors}${times}<button name="action" value="fail">Fail</button>`),
  fields(
    of,
    "Delay the next calls",
    html`${operations}${times}
<label>Seconds <input type="number" name="seconds" value="5" min="${minDelaySeconds}" max="3600" step="any" required></label>
<button name="action" value="delay">Delay</button>`
  ),
  fields(
    of,
    "Drop the connection of the next calls",
    html`${operations}${times}
<label>Lost <select name="lost"><option value="request">request</option><option value="answer">response</option></select></label>
<button name="action" value="drop">Drop</button>`
  )
]

const nextCalls = (times: number) => times === 1 ? "next call" : `next ${times} calls`

/** A line for each failure, delay and lost connection that the next calls will have. */
export const pendingFaults = (
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

/** @internal */
export const faultList = (of: Hidden, texts: ReadonlyArray<string>): Value =>
  texts.length === 0 ?
    undefined :
    [
      html`<ul class="scopes small">${texts.slice(0, maxRows).map((text) => html`<li>${text}</li>`)}</ul>`,
      form(of, html`<p>${button(["reset", "Cancel all"])}</p>`)
    ]
