/** The whole of AgentCore Identity, in memory: both planes, and the hands of everybody who is not the agent. */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as IdentityApi from "../../IdentityApi.js"
import type { IdentityControls } from "../../IdentityControls.js"
import { InternalServerError } from "../../IdentityError.js"
import type { Operation } from "../../Operation.js"
import * as singleFlight from "../lib/singleFlight.js"
import { trimTrailing } from "../lib/text.js"
import * as check from "../model/validation.js"
import * as apiKeyProviders from "./control/apiKeyProviders.js"
import * as oauth2Providers from "./control/oauth2Providers.js"
import * as paymentProviders from "./control/paymentProviders.js"
import * as portals from "./control/portals.js"
import * as resources from "./control/resourcePolicies.js"
import * as vault from "./control/vault.js"
import * as workloads from "./control/workloads.js"
import * as controls from "./controls.js"
import * as apiKeys from "./data/apiKeys.js"
import * as completion from "./data/completion.js"
import * as tokens from "./data/machineTokens.js"
import * as payments from "./data/payments.js"
import * as workloadTokens from "./data/workloadTokens.js"
import { memory, type Storage, type StorageProblem, StoreUnavailable } from "./persistence/durableStore.js"
import type { Settings } from "./state/arns.js"
import * as journal from "./state/callLog.js"
import { type IssuedToken, Issuers, type ProviderError } from "./state/issuer.js"
import * as quotas from "./state/quotas.js"
import * as state from "./state/state.js"
import { type Diagnostics, make as makeCore, type Memory, type Store, volatile } from "./state/store.js"

interface Engine {
  readonly api: IdentityApi.IdentityApi["Type"]
  readonly controls: IdentityControls["Type"]
}

/**
 * The settings that are given, and the defaults of the others.
 *
 * @internal
 */
export const settings = ({
  accountId = "123456789012",
  region = "us-east-1",
  endpoint = `https://bedrock-agentcore.${region}.amazonaws.com`,
  quotas: given
}: {
  readonly accountId?: string | undefined
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly quotas?: Parameters<typeof quotas.make>[0]
}): Settings => ({ accountId, region, endpoint: trimTrailing(endpoint, "/"), quotas: quotas.make(given) })

const over = (settings: Settings) => (memory: Memory): Effect.Effect<Engine> =>
  Effect.gen(function*() {
    yield* quotas.validate(settings.quotas)
    const issuers = yield* Issuers
    const flights = yield* singleFlight.makeDetached<IssuedToken, ProviderError>()
    return makeHandlers(makeCore({ settings, issuers, flights }, memory))
  })

/** @internal */
export const make = (settings: Settings): Effect.Effect<Engine> =>
  DateTime.now.pipe(
    Effect.flatMap((now) => Ref.make(state.empty(now))),
    Effect.flatMap((state) => over(settings)(volatile(state)))
  )

/**
 * With a memory that the storage keeps.
 *
 * @internal
 */
export const makeStored = (
  settings: Settings,
  storage: Storage
): Effect.Effect<Engine, StorageProblem, Scope.Scope> =>
  DateTime.now.pipe(
    Effect.flatMap((now) => memory(settings, storage, state.empty(now))),
    Effect.flatMap(over(settings))
  )

const makeHandlers = (store: Store): Engine => ({
  api: calls(store, {
    ...workloads.make(store),
    ...oauth2Providers.make(store),
    ...apiKeyProviders.make(store),
    ...paymentProviders.make(store),
    ...vault.make(store),
    ...portals.make(store),
    ...resources.make(store),
    ...workloadTokens.make(store),
    getResourceOauth2Token: tokens.make(store),
    getResourceApiKey: apiKeys.make(store),
    getResourcePaymentToken: payments.make(store),
    completeResourceTokenAuth: completion.complete(store)
  }),
  controls: controls.make(store)
})

/** What each call goes through: the faults that wait for it, the limits of the model, its handler, the journal. */
const calls = (store: Store, handlers: IdentityApi.IdentityApi["Type"]): IdentityApi.IdentityApi["Type"] =>
  IdentityApi.make((key) => {
    const operation: Operation.Any = IdentityApi.operations[key]
    const validate = check.validate(operation)
    return (request) =>
      Effect.suspend(() => {
        const valid = validate(request)
        return nextFault(store, key).pipe(
          Effect.zipRight(Either.isRight(valid) ? handlers[key](valid.right) : Effect.fail(valid.left)),
          Effect.catchSomeDefect(unstored(key)),
          // What a refused request has in the wrong place may be a bare secret, so that the journal leaves it out.
          Effect.onExit((exit) => record(store, key, Option.getOrUndefined(Either.getRight(valid)), exit))
        )
      })
  })

/** What could not be stored is an error of the service, which every operation may raise. */
const unstored =
  <Key extends IdentityApi.OperationKey>(key: Key) =>
  (defect: unknown): Option.Option<Effect.Effect<never, IdentityApi.Failure<Key>>> => {
    if (!(defect instanceof StoreUnavailable)) return Option.none()
    const failure = new InternalServerError({
      operation: IdentityApi.operations[key].name,
      message: defect.message
    })
    return isModelled(key, failure) ? Option.some(Effect.fail(failure)) : Option.none()
  }

const isModelled = <Key extends IdentityApi.OperationKey>(
  key: Key,
  failure: unknown
): failure is IdentityApi.Failure<Key> => {
  const { errors }: Operation.Any = IdentityApi.operations[key]
  return errors.some((tag) => Predicate.isTagged(failure, tag))
}

const nextFault = <Key extends IdentityApi.OperationKey>(
  store: Store,
  key: Key
): Effect.Effect<void, IdentityApi.Failure<Key>> =>
  Effect.flatten(store.diagnostics((aside): readonly [Effect.Effect<void, IdentityApi.Failure<Key>>, Diagnostics] => {
    const [fault, ...later] = aside.faults[key]?.filter(({ times }) => times > 0) ?? []
    if (fault === undefined) return [Effect.void, aside]
    const left = [{ ...fault, times: fault.times - 1 }, ...later]
    return [Effect.fail(fault.error), { ...aside, faults: { ...aside.faults, [key]: left } }]
  }))

const record = (
  store: Store,
  operation: IdentityApi.OperationKey,
  request: unknown,
  exit: Exit.Exit<unknown, { readonly _tag: string }>
) =>
  Effect.flatMap(DateTime.now, (at) =>
    store.diagnostics((aside) => [undefined, {
      ...aside,
      journal: journal.append(aside.journal, { at, operation, request, outcome: outcome(exit) })
    }]))

const outcome = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string =>
  Exit.match(exit, {
    onSuccess: () => "ok",
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), {
        onSome: ({ _tag }) => _tag,
        onNone: () => Cause.isInterrupted(cause) ? "interrupted" : "defect"
      })
  })
