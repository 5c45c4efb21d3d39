/** The command `providers`: administration of credential providers of all kinds. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { operations } from "../IdentityApi.js"
import type { OptionNames } from "../internal/model/optionNames.js"
import * as Client from "./client.js"
import { fromFile } from "./fromFile.js"
import * as Input from "./input.js"
import { choice, optional, required, requiredValue } from "./option.js"
import * as Output from "./output.js"
import { isPrintable } from "./printable.js"

const name = required("name", "NAME", "the name of the credential provider")

const kind = requiredValue(
  "kind",
  choice([["oauth2", "oauth2"], ["api-key", "api-key"], ["payment", "payment"]] as const),
  "the kind of credential provider"
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
      rows: credentialProviders.map(({ name }) => [kind, name])
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
        ? Output.json({ credentialProviders: all.flatMap(({ json }) => json) })
        : Output.table(["KIND", "NAME"], all.flatMap(({ rows }) => rows))
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

const secretId = optional(
  "secret-id",
  "ID",
  "the id or ARN of a secret in AWS Secrets Manager that has the key, with --json-key",
  "the key is read from standard input"
)

const jsonKey = optional("json-key", "KEY", "the member of that secret which is the key")

const apiKeyOptions = { name, secretId, jsonKey, ...Client.common }

interface ApiKeyOptions extends Command.Command.ParseConfig<typeof apiKeyOptions> {}

const apiKeyNames: OptionNames = [
  ...names,
  ["apiKeySecretConfig.secretId", "--secret-id"],
  ["apiKeySecretConfig.jsonKey", "--json-key"],
  ["apiKey", "standard input"]
]

const checkApiKey = ({ jsonKey, secretId }: ApiKeyOptions) =>
  Option.isSome(secretId) === Option.isSome(jsonKey)
    ? Effect.void
    : Effect.fail(Output.usageInvalid("--secret-id and --json-key require each other"))

/** The name and the key, or the secret that has the key. */
const readApiKey = ({ jsonKey, name, secretId }: ApiKeyOptions) =>
  Effect.gen(function*() {
    if (Option.isSome(secretId) && Option.isSome(jsonKey)) {
      return {
        name,
        apiKeySecretSource: "EXTERNAL" as const,
        apiKeySecretConfig: { secretId: secretId.value, jsonKey: jsonKey.value }
      }
    }
    if (process.stdin.isTTY) yield* Output.note("Enter the API key, then press Enter and Ctrl-D:")
    const apiKey = yield* Input.secret("-", "the API key")
    // `api-key` could not print it. It is most often two lines, or the output of another program.
    if (!isPrintable(Redacted.value(apiKey))) {
      return yield* Output.usageInvalid(
        "the API key in standard input has several lines, a control character or an invisible character: pass the key alone, " +
          "on one line"
      )
    }
    return { name, apiKey }
  })

const createApiKey = Command.make(
  "create-api-key",
  apiKeyOptions,
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const reply = yield* identity.createApiKeyCredentialProvider(yield* readApiKey(given))
        yield* Output.value(given.json, operations.createApiKeyCredentialProvider.reply, reply)
      }), { check: checkApiKey(given), names: apiKeyNames })
).pipe(Command.withDescription("Creates an API key provider. The key is read from standard input."))

const updateApiKey = Command.make(
  "update-api-key",
  apiKeyOptions,
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const reply = yield* identity.updateApiKeyCredentialProvider(yield* readApiKey(given))
        yield* Output.value(given.json, operations.updateApiKeyCredentialProvider.reply, reply)
      }), { check: checkApiKey(given), names: apiKeyNames })
).pipe(Command.withDescription("Replaces the key of an API key provider. The key is read from standard input."))

const createOauth2 = fromFile(
  "create-oauth2",
  "Creates an OAuth2 provider.",
  operations.createOauth2CredentialProvider,
  (identity, request) => identity.createOauth2CredentialProvider(request)
)

const updateOauth2 = fromFile(
  "update-oauth2",
  "Replaces the whole configuration of an OAuth2 provider, including its secret.",
  operations.updateOauth2CredentialProvider,
  (identity, request) => identity.updateOauth2CredentialProvider(request)
)

const createPayment = fromFile(
  "create-payment",
  "Creates a payment provider.",
  operations.createPaymentCredentialProvider,
  (identity, request) => identity.createPaymentCredentialProvider(request)
)

const updatePayment = fromFile(
  "update-payment",
  "Replaces the whole configuration of a payment provider, including its secrets.",
  operations.updatePaymentCredentialProvider,
  (identity, request) => identity.updatePaymentCredentialProvider(request)
)

/** @internal */
export const subcommands = [
  list,
  get,
  createOauth2,
  createApiKey,
  createPayment,
  updateOauth2,
  updateApiKey,
  updatePayment,
  remove
] as const

/** @internal */
export const command = Command.make("providers").pipe(
  Command.withDescription("Manages credential providers of all kinds."),
  Command.withSubcommands(subcommands)
)
