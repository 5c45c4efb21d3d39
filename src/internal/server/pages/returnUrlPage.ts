/** The page that shows the return URL of an approved session. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { copyableLink } from "../../web/copyable.js"
import { asciiUrl } from "../../web/forms.js"
import { notice, toDashboard } from "./frame.js"

/**
 * The answer to an approval that does not redirect. It is the only page that shows the return URL, which contains the secret
 * session URI. `isPaused` keeps the refresh of the dashboard off.
 */
export const returnUrlPage = (
  returnUrl: Redacted.Redacted,
  isPaused = false
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  notice({
    title: "The consent was approved",
    status: 200,
    tone: "good",
    hasCopyButtons: true,
    text:
      "The session is not completed yet. Open the return URL: the page of the application at this URL completes the " +
      "session. If there is no such page, press Complete on the dashboard.",
    more: [copyableLink("Return URL", asciiUrl(Redacted.value(returnUrl))), toDashboard(isPaused)]
  })
