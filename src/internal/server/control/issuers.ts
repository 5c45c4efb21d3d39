/** Who answers for the providers, and what they answered: the part of the control API that tells of federation. */
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
      does: "Who answers for an OAuth2 provider, whether it exists already or not",
      body: {
        providerName: "its name",
        "issuer?":
          "simulated, federated (its own authorization server), or the discovery URL of another; left out, it " +
          "is federated if its endpoints are on loopback"
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
      does: "The last hundred answers of federated providers that were none, oldest first",
      answer: "{providerFailures: [{at, providerName, step, reason, status?, error?, description?}]}"
    },
    withControls((controls) =>
      Effect.map(controls.providerFailures, (failures) => ({
        providerFailures: failures.map((failure) => ({ ...failure, at: DateTime.formatIso(failure.at) }))
      }))
    )
  )
]
