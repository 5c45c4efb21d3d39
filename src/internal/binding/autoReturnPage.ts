import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { UserIdentifier } from "../../Credential.js"
import type { IdentityService } from "../../IdentityService.js"
import { type BindingPageError, done, page } from "./pages.js"
import { readRequest, required } from "./readRequest.js"
import { checkProviderError, complete } from "./returnPage.js"
import { isLocalHost } from "./urls.js"

/** Completes every session that returns to this machine, for one user. */
export const autoReturnPage = (
  userIdentifier: UserIdentifier
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  BindingPageError,
  IdentityService | HttpServerRequest.HttpServerRequest
> =>
  Effect.gen(function*() {
    const { of } = yield* readRequest(isLocalHost)
    yield* checkProviderError(of)
    yield* complete({ sessionUri: Redacted.make(yield* required(of, "session_id")), userIdentifier })
    return yield* page(done)
  })
