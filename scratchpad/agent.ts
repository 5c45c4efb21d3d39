/**
 * An agent at work: a machine's token, an API key, and a person's token by consent, each used at an HTTP resource.
 * `npm start` runs it on this machine, with an authorization server that is asked for real, `npm start -- --live` on AWS.
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
import * as Person from "./agent/Person.js"
import * as Providers from "./agent/providers.js"
import * as Site from "./agent/Site.js"
import { told } from "./shared/told.js"

class Machine extends AccessToken.Tag("scratchpad/Machine")<Machine>() {}

const turn = Effect.gen(function*() {
  const site = yield* Site.Site
  yield* Console.log(`  with the machine's token:  ${yield* site.call("reports", { token: yield* Machine })}`)
  yield* Console.log(`  with the API key:          ${yield* site.call("weather", { key: yield* ApiKey.ApiKey })}`)
  yield* Console.log(
    `  with the person's token:   ${yield* site.call("repos", { token: yield* AccessToken.AccessToken })}`
  )
})

const program = Effect.gen(function*() {
  const site = yield* Site.Site
  const person = yield* Person.Person
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
      // The person gets a link of the application's, which holds their browser and who they are to the consent.
      consent: Consent.wait({
        onAuthUrl: site.onAuthUrl((link) =>
          Console.log(`a person has to sign in at\n  ${site.signInUrl}\nand to consent at\n  ${link}`).pipe(
            Effect.zipRight(person.open(site.signInUrl, link))
          )
        )
      })
    }),
    ApiKey.provideApiKey({ providerName: apiKey }),
    AccessToken.provideAccessToken({ ...machine, authFlow: "M2M", tag: Machine }),
    Effect.provide(WorkloadAccessToken.layer({ workloadName, userId: person.userId }))
  )
}).pipe(Effect.scoped)

const isLive = process.argv.includes("--live")

/** The identity service and its local server, which asks providers on this machine for real. */
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
  // What the environment lacks is said before anything of AWS is loaded.
  ? Layer.merge(AwsIdentity.layer(), Person.layerLive).pipe(Layer.provideMerge(Authorization.layerLive))
  : Layer.mergeAll(
    IdentityService.layer.pipe(Layer.provide(Layer.orDie(Local))),
    Person.layerSimulated,
    Authorization.layerEmbedded
  )

const Main = Layer.unwrapEffect(Effect.map(Person.Person, ({ userId }) => Site.layer(userId))).pipe(
  Layer.provideMerge(Layer.merge(World, NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))),
  Layer.provide(FetchHttpClient.layer),
  // Its cookies are the browser's own.
  Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" }))
)

Console.log(`an agent on ${isLive ? "AWS" : "this machine, with an authorization server of its own"}`).pipe(
  Effect.zipRight(program),
  Effect.zipRight(Console.log("done")),
  Effect.provide(Main),
  told,
  NodeRuntime.runMain
)
