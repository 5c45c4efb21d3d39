import { HttpRouter, HttpServerResponse } from "@effect/platform"
import { Effect, type Redacted } from "effect"
import {
  AccessToken,
  Consent,
  ConsentView,
  Credential,
  IdentityService,
  SessionBinding,
  WorkloadAccessToken
} from "../../src/index.js"

// `userId` and `handle` come from the session of your application, `agent` needs the token.
export const api = (
  binding: SessionBinding.SessionBinding,
  agent: Effect.Effect<string, never, AccessToken.AccessToken>,
  session: { readonly userId: string; handle?: Redacted.Redacted | undefined }
) =>
  HttpRouter.empty.pipe(
    HttpRouter.post(
      "/turn", // 200 with the answer, or 409 with a ConsentView
      Effect.gen(function*() {
        const { userId } = session
        const answer = yield* agent.pipe(
          AccessToken.provideAccessToken({
            providerName: "github",
            scopes: ["repo"],
            authFlow: "USER_FEDERATION",
            callbackUrl: "https://agent.example/oauth2/return",
            customState: yield* SessionBinding.customState,
            consent: Consent.suspend
          }),
          Effect.provide(WorkloadAccessToken.layer({ workloadName: "my-agent", userId }))
        )
        return yield* HttpServerResponse.json({ answer })
      }).pipe(
        Effect.catchTag("ConsentRequired", (consent) =>
          Effect.gen(function*() {
            session.handle = consent.handle
            const user = { user: session.userId, userIdentifier: Credential.userId(session.userId) }
            const view = yield* binding.view(consent, user)
            return yield* HttpServerResponse.schemaJson(ConsentView.ConsentView)(view, { status: 409 })
          }))
      )
    ),
    HttpRouter.get(
      "/turn", // 202 while the consent is pending, then 200 with the answer
      Effect.gen(function*() {
        const identity = yield* IdentityService.IdentityService
        const { handle, userId } = session
        if (handle === undefined) return yield* HttpServerResponse.json({ status: "none" }, { status: 404 })
        return yield* SessionBinding.resumeResponse(handle, {
          workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId }),
          onToken: (token) =>
            agent.pipe(
              Effect.provideService(AccessToken.AccessToken, token),
              Effect.flatMap((answer) => HttpServerResponse.json({ answer }))
            )
        })
      })
    )
  )
