/**
 * `providers`: the administration of credential providers, of all kinds.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { operations } from "../IdentityApi.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import * as Output from "./output.js"

const name = Options.text("name").pipe(Options.withDescription("the credential provider, by name"))

const kind = Options.choice("kind", ["oauth2", "api-key", "payment"]).pipe(
  Options.withDescription("the kind of credential provider")
)

const itemsOf =
  <A, I>(reply: Schema.Schema<{ readonly credentialProviders: ReadonlyArray<A> }, I>) => (items: Iterable<A>) =>
    Effect.orDie(Schema.encode(reply)({ credentialProviders: Array.from(items) }))

const list = Command.make("list", Client.common, (given) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      const all = yield* Effect.all({
        oauth2: Effect.flatMap(
          Stream.runCollect(identity.listOauth2CredentialProviders()),
          itemsOf(operations.listOauth2CredentialProviders.reply)
        ),
        "api-key": Effect.flatMap(
          Stream.runCollect(identity.listApiKeyCredentialProviders()),
          itemsOf(operations.listApiKeyCredentialProviders.reply)
        ),
        payment: Effect.flatMap(
          Stream.runCollect(identity.listPaymentCredentialProviders()),
          itemsOf(operations.listPaymentCredentialProviders.reply)
        )
      })
      const credentialProviders = Object.entries(all).flatMap(([kind, reply]) =>
        reply.credentialProviders.map((item) => ({ kind, ...item }))
      )
      yield* given.json
        ? Console.log(JSON.stringify({ credentialProviders }))
        : Effect.forEach(credentialProviders, ({ kind, name }) => Console.log(`${kind}\t${name}`), { discard: true })
    }))).pipe(Command.withDescription("Lists the credential providers, kind and name, one a line."))

const get = Command.make(
  "get",
  { kind, name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const { json, kind, name } = given
        switch (kind) {
          case "oauth2":
            return yield* Output.one(
              json,
              operations.getOauth2CredentialProvider.reply,
              yield* identity.getOauth2CredentialProvider({ name })
            )
          case "api-key":
            return yield* Output.one(
              json,
              operations.getApiKeyCredentialProvider.reply,
              yield* identity.getApiKeyCredentialProvider({ name })
            )
          case "payment":
            return yield* Output.one(
              json,
              operations.getPaymentCredentialProvider.reply,
              yield* identity.getPaymentCredentialProvider({ name })
            )
        }
      }))
).pipe(Command.withDescription("Shows a credential provider, without its secret."))

const remove = Command.make(
  "delete",
  { kind, name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const { json, kind, name } = given
        switch (kind) {
          case "oauth2":
            yield* identity.deleteOauth2CredentialProvider({ name })
            break
          case "api-key":
            yield* identity.deleteApiKeyCredentialProvider({ name })
            break
          case "payment":
            yield* identity.deletePaymentCredentialProvider({ name })
            break
        }
        yield* Output.done(json, { kind, name, outcome: "deleted" }, `deleted ${name}`)
      }))
).pipe(Command.withDescription("Deletes a credential provider, and its secret."))

const createApiKey = Command.make(
  "create-api-key",
  { name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        if (process.stdin.isTTY) yield* Console.error("The API key, then Enter and Ctrl-D:")
        const apiKey = yield* Input.secret("-", "the API key")
        const reply = yield* identity.createApiKeyCredentialProvider({ name: given.name, apiKey })
        yield* Output.one(given.json, operations.createApiKeyCredentialProvider.reply, reply)
      }))
).pipe(Command.withDescription("Creates an API key provider; the key is read from standard input."))

const file = Options.text("file").pipe(
  Options.withDescription("the JSON of the request, as AWS spells it; - for standard input")
)

const createOauth2 = Command.make(
  "create-oauth2",
  { file, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const operation = operations.createOauth2CredentialProvider
        const reply = yield* identity.createOauth2CredentialProvider(yield* Input.json(given.file, operation.request))
        yield* Output.one(given.json, operation.reply, reply)
      }))
).pipe(Command.withDescription("Creates an OAuth2 provider."))

const createPayment = Command.make(
  "create-payment",
  { file, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const operation = operations.createPaymentCredentialProvider
        const reply = yield* identity.createPaymentCredentialProvider(yield* Input.json(given.file, operation.request))
        yield* Output.one(given.json, operation.reply, reply)
      }))
).pipe(Command.withDescription("Creates a payment provider."))

/** @internal */
export const command = Command.make("providers").pipe(
  Command.withDescription("Credential providers of all kinds."),
  Command.withSubcommands([list, get, remove, createApiKey, createOauth2, createPayment])
)
