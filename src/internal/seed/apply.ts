/** Applies a seed to a service: creates the resources that do not exist, and keeps the others. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import { SeedFailed } from "../../ControlError.js"
import type { SeedResult } from "../../ControlModel.js"
import type { IdentityApi } from "../../IdentityApi.js"
import type { IdentityControls } from "../../IdentityControls.js"
import { type IdentityError, ValidationError } from "../../IdentityError.js"
import { ControlLimitReached } from "../model/controlLimit.js"
import { fromText } from "../model/issuerChoice.js"
import type { Seed } from "./seed.js"

interface Named {
  readonly name: string
}

/** @internal */
export const apply = (
  api: IdentityApi["Type"],
  controls: Pick<IdentityControls["Type"], "inventory" | "setIssuer" | "setSecret">
) =>
(seed: Seed): Effect.Effect<ReadonlyArray<SeedResult>, SeedFailed> =>
  Effect.gen(function*() {
    const results = yield* Ref.make<ReadonlyArray<SeedResult>>([])
    const add = (member: SeedResult["member"], name: string, outcome: SeedResult["outcome"]) =>
      Ref.update(results, (all) => [...all, { member, name, outcome }])

    const createMissing = <A extends Named>(
      member: SeedResult["member"],
      items: ReadonlyArray<A> | undefined,
      get: (item: Named) => Effect.Effect<unknown, IdentityError>,
      create: (item: A) => Effect.Effect<unknown, IdentityError>
    ) => {
      const kept = ({ name }: Named) => Effect.as(get({ name }), "kept" as const)
      return Effect.forEach(items ?? [], (item, index) =>
        kept(item).pipe(
          Effect.catchTag("ResourceNotFound", () =>
            Effect.as(create(item), "created" as const).pipe(
              // Another caller may create the resource after it was looked up. Each kind reports that with another error.
              Effect.catchAll((error) => Effect.mapError(kept(item), () => error))
            )),
          Effect.catchAll((error) =>
            Effect.flatMap(
              Ref.get(results),
              (applied) => new SeedFailed({ path: `${member}[${index}]`, error, applied })
            )
          ),
          Effect.flatMap((outcome) => add(member, item.name, outcome))
        ), { discard: true })
    }

    /** A limit of the test controls, with which a control dies, is a failure of the member. */
    const withinLimits = (path: string, change: Effect.Effect<void>): Effect.Effect<void, SeedFailed> =>
      Effect.catchSomeDefect(change, (defect) =>
        defect instanceof ControlLimitReached
          ? Option.some(
            Effect.flatMap(Ref.get(results), (applied) => {
              const error = new ValidationError({ operation: "Seed", message: defect.reason })
              return new SeedFailed({ path, error, applied })
            })
          )
          : Option.none())

    for (const [id, secret] of Record.toEntries(seed.secrets ?? {})) {
      yield* withinLimits(`secrets.${id}`, controls.setSecret(id, Redacted.make(JSON.stringify(secret))))
      yield* add("secrets", id, "set")
    }
    const { oauth2CredentialProviders: existing } = yield* controls.inventory
    for (const [name, text] of Record.toEntries(seed.issuers ?? {})) {
      const isKept = existing.some((provider) => provider.name === name)
      if (!isKept) {
        yield* withinLimits(`issuers.${name}`, controls.setIssuer(name, Option.getOrUndefined(fromText(text))))
      }
      yield* add("issuers", name, isKept ? "kept" : "set")
    }
    yield* createMissing(
      "workloadIdentities",
      seed.workloadIdentities,
      api.getWorkloadIdentity,
      api.createWorkloadIdentity
    )
    yield* createMissing(
      "oauth2CredentialProviders",
      seed.oauth2CredentialProviders,
      api.getOauth2CredentialProvider,
      api.createOauth2CredentialProvider
    )
    yield* createMissing(
      "apiKeyCredentialProviders",
      seed.apiKeyCredentialProviders,
      api.getApiKeyCredentialProvider,
      api.createApiKeyCredentialProvider
    )
    yield* createMissing(
      "paymentCredentialProviders",
      seed.paymentCredentialProviders,
      api.getPaymentCredentialProvider,
      api.createPaymentCredentialProvider
    )
    return yield* Ref.get(results)
  })
