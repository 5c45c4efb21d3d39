/** An application whose signed-in user is always ada, over a service whose completions a test decides. */
import { HttpApp, HttpServerRequest } from "@effect/platform"
import { DateTime, Duration, Effect, Layer, Redacted, Ref, Schedule } from "effect"
import * as ConsentLedger from "../../src/ConsentLedger.js"
import * as ConsentSeal from "../../src/ConsentSeal.js"
import * as Credential from "../../src/Credential.js"
import * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityError from "../../src/IdentityError.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as SessionBinding from "../../src/SessionBinding.js"
import { returnUrl } from "./binding.js"

type Failure = IdentityApi.Failure<"completeResourceTokenAuth">

export type Fields = ConstructorParameters<typeof IdentityError.ConsentRequired>[0]

export const state = Redacted.make("A_-".repeat(14) + "z")

export const sessionUri = Redacted.make("urn:ietf:params:oauth:request_uri:session")

/** A consent that lasts another ten minutes of the test's clock. */
export const consentOf = (change: Partial<Fields> = {}) =>
  Effect.map(DateTime.now, (now) =>
    new IdentityError.ConsentRequired({
      providerName: "github",
      authFlow: "USER_FEDERATION",
      scopes: ["repo"],
      callbackUrl: returnUrl,
      customState: state,
      authorizationUrl: Redacted.make("https://idp.example/authorize?a=b"),
      sessionUri,
      expiresAt: DateTime.addDuration(now, Duration.minutes(10)),
      ...change
    }))

export const ada: SessionBinding.ConsentUser = { user: "ada", userIdentifier: Credential.userId("ada") }

/** The signed-in user is always ada. Completions fail with these errors in turn, then succeed. */
const needs = (answers: Ref.Ref<ReadonlyArray<Failure>>, asked: Ref.Ref<ReadonlyArray<unknown>>) =>
  Layer.mergeAll(
    IdentityService.layer.pipe(Layer.provide(Layer.mock(IdentityApi.IdentityApi, {
      completeResourceTokenAuth: (request) =>
        Ref.update(asked, (all) => [...all, request]).pipe(
          Effect.zipRight(Ref.modify(answers, ([first, ...rest]) => [first, rest])),
          Effect.flatMap((failure) => failure === undefined ? Effect.succeed({}) : Effect.fail(failure))
        )
    }))),
    RetryPolicy.layer(Schedule.stop),
    Layer.succeed(SessionBinding.CurrentUser, Effect.succeedSome("ada")),
    ConsentSeal.layerEphemeral,
    ConsentLedger.layerMemory
  )

export const run = <A, E>(
  body: (asked: Ref.Ref<ReadonlyArray<unknown>>) => Effect.Effect<A, E, SessionBinding.Needs>,
  failures: ReadonlyArray<Failure> = []
) =>
  Effect.gen(function*() {
    const asked = yield* Ref.make<ReadonlyArray<unknown>>([])
    return yield* Effect.provide(body(asked), needs(yield* Ref.make(failures), asked))
  })

export const visit = <R>(app: HttpApp.Default<never, R>, url: string, cookie = "") =>
  Effect.gen(function*() {
    const request = HttpServerRequest.fromWeb(new Request(url, { headers: { host: new URL(url).host, cookie } }))
    const response = yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
    const answer = yield* Effect.promise(() =>
      HttpApp.toWebHandler(Effect.succeed(response))(new Request("http://localhost"))
    )
    const [set = ""] = answer.headers.getSetCookie()
    return {
      status: answer.status,
      text: yield* Effect.promise(() => answer.text()),
      location: answer.headers.get("location"),
      set,
      cookie: set.slice(0, set.indexOf(";"))
    }
  })
