/**
 * A complete application: an agent uses a machine token, an API key and a user token at an HTTP resource. `npm start` runs it
 * on this machine with a real authorization server, `npm start -- --live` on AWS.
 */
import { FetchHttpClient, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import {
  AccessToken,
  ApiKey,
  AwsIdentity,
  Consent,
  IdentityServer,
  IdentityService,
  MemoryIdentity,
  SessionBinding,
  WorkloadAccessToken
} from "effect-agentcore-identity"
import * as FederatedIssuer from "effect-agentcore-identity/FederatedIssuer"
import { createServer } from "node:http"
import * as Authorization from "./agent/Authorization.js"
import * as Providers from "./agent/providers.js"
import * as Site from "./agent/Site.js"
import * as User from "./agent/User.js"
import { reportErrors } from "./shared/reportErrors.js"

class Machine extends AccessToken.Tag("scratchpad/Machine")<Machine>() {}

const turn = Effect.gen(function*() {
  const site = yield* Site.Site
  yield* Console.log(`  with the machine token:  ${yield* site.call("reports", { token: yield* Machine })}`)
  yield* Console.log(`  with the API key:        ${yield* site.call("weather", { key: yield* ApiKey.ApiKey })}`)
  yield* Console.log(
    `  with the user token:     ${yield* site.call("repos", { token: yield* AccessToken.AccessToken })}`
  )
})

const program = Effect.gen(function*() {
  const site = yield* Site.Site
  const currentUser = yield* User.User
  const { apiKey, machine, user, workloadName } = yield* Providers.create({ callbackUrl: site.callbackUrl })
  yield* Console.log(
    `workload identity ${workloadName}, providers ${machine.providerName}, ${apiKey}, ${user.providerName}`
  )
  yield* turn.pipe(
    AccessToken.provideAccessToken({
      ...user,
      authFlow: "USER_FEDERATION",
      callbackUrl: site.callbackUrl,
      customState: yield* SessionBinding.customState,
      // The user receives a link of the application, which binds the consent to the browser and the user.
      consent: Consent.wait({
        onAuthUrl: site.onAuthUrl((link) =>
          Console.log(`the user must sign in at\n  ${site.signInUrl}\nand consent at\n  ${link}`).pipe(
            Effect.zipRight(currentUser.open(site.signInUrl, link))
          )
        )
      })
    }),
    ApiKey.provideApiKey({ providerName: apiKey }),
    AccessToken.provideAccessToken({ ...machine, authFlow: "M2M", tag: Machine }),
    Effect.provide(WorkloadAccessToken.layer({ workloadName, userId: currentUser.userId }))
  )
}).pipe(Effect.scoped)

const isLive = process.argv.includes("--live")

/** The identity service and its local server. Providers on this machine are federated. */
const Local = Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
  Layer.provideMerge(
    Layer.unwrapEffect(
      HttpServer.addressFormattedWith((endpoint) => Effect.succeed(MemoryIdentity.layerApi({ endpoint })))
    )
  ),
  Layer.provide(FederatedIssuer.layer()),
  Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const World = isLive
  // Reports missing variables before AWS is used.
  ? Layer.merge(AwsIdentity.layer(), User.layerLive).pipe(Layer.provideMerge(Authorization.layerLive))
  : Layer.mergeAll(
    IdentityService.layer.pipe(Layer.provide(Layer.orDie(Local))),
    User.layerSimulated,
    Authorization.layerEmbedded
  )

const Main = Layer.unwrapEffect(Effect.map(User.User, ({ userId }) => Site.layer(userId))).pipe(
  Layer.provideMerge(Layer.merge(World, NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))),
  Layer.provide(FetchHttpClient.layer),
  // The simulated browser follows redirects itself, to keep its cookies.
  Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" }))
)

Console.log(`an agent on ${isLive ? "AWS" : "this machine, with an authorization server of its own"}`).pipe(
  Effect.zipRight(program),
  Effect.zipRight(Console.log("done")),
  Effect.provide(Main),
  reportErrors,
  NodeRuntime.runMain
)
