/** The command `providers`: administration of credential providers of all kinds. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { operations } from "../IdentityApi.js"
import type { IdentityService } from "../IdentityService.js"
import type { OptionNames } from "../internal/model/optionNames.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import { choice } from "./option.js"
import * as Output from "./output.js"

const name = Options.text("name").pipe(Options.withDescription("the name of the credential provider"))

const kind = choice("kind", [["oauth2", "oauth2"], ["api-key", "api-key"], ["payment", "payment"]] as const).pipe(
  Options.withDescription("the kind of credential provider")
)

const names: OptionNames = [["name", "--name"]]

const isItems = (encoded: unknown): encoded is { readonly credentialProviders: ReadonlyArray<object> } =>
  Predicate.hasProperty(encoded, "credentialProviders") && Array.isArray(encoded.credentialProviders) &&
  encoded.credentialProviders.every(Predicate.isRecord)

/** The items as JSON with times in ISO 8601, and as lines of text. */
const listed = <A extends { readonly name: string }, I, E>(
  kind: string,
  reply: Schema.Schema<{ readonly credentialProviders: ReadonlyArray<A> }, I>,
  items: Stream.Stream<A, E>
) =>
  Effect.gen(function*() {
    const credentialProviders = Array.from(yield* Stream.runCollect(items))
    const encoded = yield* Output.encode(reply, { credentialProviders })
    return {
      json: isItems(encoded) ? encoded.credentialProviders.map((item) => ({ kind, ...item })) : [],
      lines: credentialProviders.map(({ name }) => `${kind}\t${name}`)
    }
  })

const list = Command.make("list", Client.common, (given) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      const all = yield* Effect.all([
        listed("oauth2", operations.listOauth2CredentialProviders.reply, identity.listOauth2CredentialProviders()),
        listed("api-key", operations.listApiKeyCredentialProviders.reply, identity.listApiKeyCredentialProviders()),
        listed("payment", operations.listPaymentCredentialProviders.reply, identity.listPaymentCredentialProviders())
      ])
      yield* given.json
        ? Console.log(JSON.stringify({ credentialProviders: all.flatMap(({ json }) => json) }))
        : Effect.forEach(all.flatMap(({ lines }) => lines), (line) => Console.log(line), { discard: true })
    }))).pipe(Command.withDescription("Lists the kind and the name of each credential provider, one per line."))

const get = Command.make(
  "get",
  { kind, name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const { json, kind, name } = given
        switch (kind) {
          case "oauth2":
            return yield* Output.value(
              json,
              operations.getOauth2CredentialProvider.reply,
              yield* identity.getOauth2CredentialProvider({ name })
            )
          case "api-key":
            return yield* Output.value(
              json,
              operations.getApiKeyCredentialProvider.reply,
              yield* identity.getApiKeyCredentialProvider({ name })
            )
          case "payment":
            return yield* Output.value(
              json,
              operations.getPaymentCredentialProvider.reply,
              yield* identity.getPaymentCredentialProvider({ name })
            )
        }
      }), { names })
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
      }), { names })
).pipe(Command.withDescription("Deletes a credential provider and its secret."))

const createApiKey = Command.make(
  "create-api-key",
  { name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        if (process.stdin.isTTY) yield* Console.error("Enter the API key, then press Enter and Ctrl-D:")
        const apiKey = yield* Input.secret("-", "the API key")
        const reply = yield* identity.createApiKeyCredentialProvider({ name: given.name, apiKey })
        yield* Output.value(given.json, operations.createApiKeyCredentialProvider.reply, reply)
      }), { names })
).pipe(Command.withDescription("Creates an API key provider; the key is read from standard input."))

const file = Options.text("file").pipe(
  Options.withDescription("a file with the request in the JSON of AWS; - for standard input")
)

const createFrom = <A, I, B, J, E extends Output.Failure>(
  name: string,
  what: string,
  { reply, request }: { readonly request: Schema.Schema<A, I>; readonly reply: Schema.Schema<B, J> },
  create: (identity: IdentityService["Type"], request: A) => Effect.Effect<B, E>
) =>
  Command.make(
    name,
    { file, ...Client.common },
    (given) =>
      Client.run(given, (identity) =>
        Effect.gen(function*() {
          const created = yield* create(identity, yield* Input.json(given.file, request))
          yield* Output.value(given.json, reply, created)
        }))
  ).pipe(Command.withDescription(`Creates ${what}.`))

const createOauth2 = createFrom(
  "create-oauth2",
  "an OAuth2 provider",
  operations.createOauth2CredentialProvider,
  (identity, request) => identity.createOauth2CredentialProvider(request)
)

const createPayment = createFrom(
  "create-payment",
  "a payment provider",
  operations.createPaymentCredentialProvider,
  (identity, request) => identity.createPaymentCredentialProvider(request)
)

/** @internal */
export const command = Command.make("providers").pipe(
  Command.withDescription("Manages credential providers of all kinds."),
  Command.withSubcommands([list, get, remove, createApiKey, createOauth2, createPayment])
)
