/** AgentCore Identity in memory: the operations of the data and the control API, and the test controls. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as IdentityApi from "../../IdentityApi.js"
import { IdentityControls, type JournalEntry } from "../../IdentityControls.js"
import { InternalServerError } from "../../IdentityError.js"
import type { Operation } from "../../Operation.js"
import { makeDetached } from "../lib/singleFlight.js"
import type { SubscriptionRegistry } from "../lib/subscriptions.js"
import * as subscriptions from "../lib/subscriptions.js"
import { trimTrailing } from "../lib/text.js"
import { CompletionEvents } from "../model/completionEvents.js"
import { tokenResult } from "../model/tokenResult.js"
import * as validation from "../model/validation.js"
import { apply as applySeed } from "../seed/apply.js"
import * as apiKeyProviders from "./control/apiKeyProviders.js"
import * as oauth2Providers from "./control/oauth2Providers.js"
import * as paymentProviders from "./control/paymentProviders.js"
import * as portals from "./control/portals.js"
import * as resourcePolicies from "./control/resourcePolicies.js"
import * as vault from "./control/vault.js"
import * as workloads from "./control/workloads.js"
import * as controls from "./controls.js"
import * as apiKeys from "./data/apiKeys.js"
import * as autoConsent from "./data/autoConsent.js"
import * as completion from "./data/completion.js"
import * as machineTokens from "./data/machineTokens.js"
import * as payments from "./data/payments.js"
import * as workloadTokens from "./data/workloadTokens.js"
import * as durableStore from "./persistence/durableStore.js"
import type { Settings } from "./state/arns.js"
import * as callLog from "./state/callLog.js"
import { type IssuedToken, Issuers, type ProviderError } from "./state/issuer.js"
import { isModelled } from "./state/modelled.js"
import * as quotas from "./state/quotas.js"
import * as sessions from "./state/session.js"
import * as state from "./state/state.js"
import { type Diagnostics, inMemory, make as makeStore, type StateRef, type Store } from "./state/store.js"
import * as Table from "./state/table.js"

interface Emulator {
  readonly api: IdentityApi.IdentityApi["Type"]
  readonly controls: IdentityControls["Type"]
  readonly completionEvents: SubscriptionRegistry
}

/** The context of a program that uses the emulator. */
export const context = ({ api, completionEvents, controls }: Emulator) =>
  Context.make(IdentityApi.IdentityApi, api).pipe(
    Context.add(IdentityControls, controls),
    Context.add(CompletionEvents, completionEvents)
  )

/** Adds the defaults to the given settings. */
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

const makeOver = (settings: Settings) => (ref: StateRef): Effect.Effect<Emulator> =>
  Effect.gen(function*() {
    yield* quotas.validate(settings.quotas)
    const issuers = yield* Issuers
    const singleFlight = yield* makeDetached<IssuedToken, ProviderError>()
    const completionEvents = notifyingOfEnded(ref, yield* subscriptions.make)
    return makeHandlers(makeStore({ settings, issuers, singleFlight, completionEvents }, ref))
  })

/** Notifies a subscriber at once if its session ended before it subscribed. */
const notifyingOfEnded = (ref: StateRef, registry: SubscriptionRegistry): SubscriptionRegistry => ({
  ...registry,
  subscribe: (key, subscription) =>
    Effect.zipRight(
      registry.subscribe(key, subscription),
      Effect.flatMap(ref.read, ({ sessions: all }) =>
        Option.exists(Table.get(all, key), sessions.hasEnded) ? registry.publish(key) : Effect.void)
    )
})

/** @internal */
export const make = (settings: Settings): Effect.Effect<Emulator> =>
  DateTime.now.pipe(
    Effect.flatMap((now) => Ref.make(state.empty(now))),
    Effect.flatMap((ref) => makeOver(settings)(inMemory(ref)))
  )

/** An emulator whose state is kept in `storage`. */
export const makeStored = (
  settings: Settings,
  storage: durableStore.Storage
): Effect.Effect<Emulator, durableStore.StorageProblem, Scope.Scope> =>
  DateTime.now.pipe(
    Effect.flatMap((now) => durableStore.make(settings, storage, state.empty(now))),
    Effect.flatMap(makeOver(settings))
  )

const makeHandlers = (store: Store): Emulator => {
  const ownControls = controls.make(store)
  const consents = autoConsent.make(ownControls)
  const handlers = {
    ...workloads.make(store),
    ...oauth2Providers.make(store),
    ...apiKeyProviders.make(store),
    ...paymentProviders.make(store),
    ...vault.make(store),
    ...portals.make(store),
    ...resourcePolicies.make(store),
    ...workloadTokens.make(store),
    getResourceOauth2Token: consents.over(machineTokens.make(store)),
    getResourceApiKey: apiKeys.make(store),
    getResourcePaymentToken: payments.make(store),
    completeResourceTokenAuth: completion.complete(store)
  }
  return {
    api: withCommonSteps(store, handlers),
    controls: {
      ...ownControls,
      consentAutomatically: consents.control,
      seed: applySeed(withValidation(handlers), ownControls)
    },
    completionEvents: store.completionEvents
  }
}

/** The operations without the steps that concern tests: injected failures and the call log. */
const withValidation = (handlers: IdentityApi.IdentityApi["Type"]): IdentityApi.IdentityApi["Type"] =>
  IdentityApi.make((key) => {
    const operation: Operation.Any = IdentityApi.operations[key]
    const validate = validation.validate(operation)
    return (request) =>
      Effect.suspend(() => Effect.flatMap(validate(request), handlers[key])).pipe(
        Effect.catchSomeDefect(toInternalServerError(key))
      )
  })

/** Adds the steps of every call: injected failures, request validation, storage errors and the call log. */
const withCommonSteps = (store: Store, handlers: IdentityApi.IdentityApi["Type"]): IdentityApi.IdentityApi["Type"] =>
  IdentityApi.make((key) => {
    const operation: Operation.Any = IdentityApi.operations[key]
    const validate = validation.validate(operation)
    return (request) =>
      Effect.suspend(() => {
        const valid = validate(request)
        return nextFault(store, key).pipe(
          Effect.zipRight(Either.isRight(valid) ? handlers[key](valid.right) : Effect.fail(valid.left)),
          Effect.catchSomeDefect(toInternalServerError(key)),
          // An invalid request may have a bare secret in the wrong member, so it is not logged.
          Effect.onExit((exit) => logCall(store, key, Option.getOrUndefined(Either.getRight(valid)), exit))
        )
      })
  })

/** Reports a change that could not be stored as an error of the service, which every operation may raise. */
const toInternalServerError =
  <Key extends IdentityApi.OperationKey>(key: Key) =>
  (defect: unknown): Option.Option<Effect.Effect<never, IdentityApi.Failure<Key>>> => {
    if (!(defect instanceof durableStore.StoreUnavailable)) return Option.none()
    const failure = new InternalServerError({
      operation: IdentityApi.operations[key].name,
      message: defect.message
    })
    return isModelled(key, failure) ? Option.some(Effect.fail(failure)) : Option.none()
  }

const nextFault = <Key extends IdentityApi.OperationKey>(
  store: Store,
  key: Key
): Effect.Effect<void, IdentityApi.Failure<Key>> =>
  Effect.flatten(
    store.diagnostics((before): readonly [Effect.Effect<void, IdentityApi.Failure<Key>>, Diagnostics] => {
      const [fault, ...later] = before.faults[key]?.filter(({ times }) => times > 0) ?? []
      if (fault === undefined) return [Effect.void, before]
      const remaining = [{ ...fault, times: fault.times - 1 }, ...later]
      return [Effect.fail(fault.error), { ...before, faults: { ...before.faults, [key]: remaining } }]
    })
  )

const logCall = (
  store: Store,
  operation: IdentityApi.OperationKey,
  request: unknown,
  exit: Exit.Exit<unknown, { readonly _tag: string }>
) =>
  Effect.flatMap(DateTime.now, (at) =>
    store.diagnostics((before) => [undefined, {
      ...before,
      journal: callLog.append(before.journal, {
        at,
        operation,
        request,
        outcome: outcome(exit),
        ...tokenResultOf(operation, request, exit)
      })
    }]))

const tokenResultOf = (
  operation: IdentityApi.OperationKey,
  request: unknown,
  exit: Exit.Exit<unknown, unknown>
): Pick<JournalEntry, "tokenResult"> => {
  const result = Exit.isSuccess(exit) ? tokenResult(operation, request, exit.value) : undefined
  return result === undefined ? {} : { tokenResult: result }
}

const outcome = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string =>
  Exit.match(exit, {
    onSuccess: () => "ok",
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), {
        onSome: ({ _tag }) => _tag,
        onNone: () => Cause.isInterrupted(cause) ? "interrupted" : "defect"
      })
  })
