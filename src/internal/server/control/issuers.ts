/** The endpoints of the control API for issuers: the choice per provider, and the errors of federated providers. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { expectedText, fromText } from "../../model/issuerChoice.js"
import { text } from "../../model/smithy.js"
import { type Endpoint, get, post, withControls } from "./endpoint.js"
import { invalid } from "./json.js"

const name = text({ min: 1, max: 2048 })

const Issuer = Schema.Struct({ providerName: name, issuer: Schema.optional(name) })

/** @internal */
export const endpoints: ReadonlyArray<Endpoint> = [
  post(
    "/_local/issuer",
    {
      does: "Sets the issuer of an OAuth2 provider. The provider may be created later.",
      body: {
        providerName: "the name of the provider",
        "issuer?": "simulated, federated (its own authorization server), or the discovery URL of another; by default " +
          "federated if its endpoints are on loopback, and simulated otherwise"
      },
      answer: "{}"
    },
    Issuer,
    ({ issuer, providerName }) =>
      withControls((controls) =>
        Effect.flatMap(
          issuer === undefined
            ? Effect.succeed(undefined)
            : Effect.mapError(
              fromText(issuer),
              () => invalid({ name: "issuer", message: `Member must be ${expectedText}` })
            ),
          (choice) => Effect.as(controls.setIssuer(providerName, choice), {})
        )
      )
  ),
  get(
    "/_local/provider-failures",
    {
      does: "Lists the last hundred failed requests to federated providers, oldest first",
      answer: "{providerFailures: [{at, providerName, step, reason, status?, error?, description?}]}"
    },
    withControls((controls) =>
      Effect.map(controls.providerFailures, (failures) => ({
        providerFailures: failures.map((failure) => ({ ...failure, at: DateTime.formatIso(failure.at) }))
      }))
    )
  )
]
