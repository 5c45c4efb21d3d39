/** The whole of AgentCore Identity, in memory: both planes, and the hands of everybody who is not the agent. */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as IdentityApi from "../../IdentityApi.js"
import type { IdentityControls } from "../../IdentityControls.js"
import type { Operation } from "../../Operation.js"
import * as check from "../check.js"
import * as apiKeyProviders from "./apiKeyProviders.js"
import * as apiKeys from "./apiKeys.js"
import * as controls from "./controls.js"
import { type Answer, answer, type Core, make as makeCore } from "./core.js"
import * as issuer from "./issuer.js"
import * as oauth2Providers from "./oauth2Providers.js"
import * as paymentProviders from "./paymentProviders.js"
import * as payments from "./payments.js"
import * as portals from "./portals.js"
import * as resources from "./resources.js"
import * as sessions from "./sessions.js"
import type { Settings } from "./settings.js"
import * as state from "./state.js"
import * as tokens from "./tokens.js"
import * as vault from "./vault.js"
import * as workloads from "./workloads.js"
import * as workloadTokens from "./workloadTokens.js"

const journalLength = 1000

/** @internal */
export const make = Effect.fnUntraced(function*(settings: Settings) {
  const now = yield* DateTime.now
  const core = makeCore(settings, issuer.simulated, yield* Ref.make(state.empty(now)))
  const engine: { readonly api: IdentityApi.IdentityApi["Type"]; readonly controls: IdentityControls["Type"] } = {
    api: served(core, {
      ...workloads.make(core),
      ...oauth2Providers.make(core),
      ...apiKeyProviders.make(core),
      ...paymentProviders.make(core),
      ...vault.make(core),
      ...portals.make(core),
      ...resources.make(core),
      ...workloadTokens.make(core),
      getResourceOauth2Token: tokens.make(core),
      getResourceApiKey: apiKeys.make(core),
      getResourcePaymentToken: payments.make(core),
      completeResourceTokenAuth: sessions.complete(core)
    }),
    controls: controls.make(core)
  }
  return engine
})

/** What each call goes through: the faults that wait for it, the limits of the model, its handler, the journal. */
const served = (core: Core, handlers: IdentityApi.IdentityApi["Type"]): IdentityApi.IdentityApi["Type"] =>
  IdentityApi.make((key) => {
    const operation: Operation.Any = IdentityApi.operations[key]
    const validate = check.validate(operation)
    return (request) =>
      Effect.flatMap(Effect.either(validate(request)), (valid) =>
        nextFault(core, key).pipe(
          Effect.zipRight(valid),
          Effect.flatMap((request) => handlers[key](request)),
          // What a refused request has in the wrong place may be a bare secret, so that the journal leaves it out.
          Effect.onExit((exit) => record(core, key, Option.getOrUndefined(Either.getRight(valid)), exit))
        ))
  })

const nextFault = <Key extends IdentityApi.OperationKey>(
  core: Core,
  key: Key
): Effect.Effect<void, IdentityApi.Failure<Key>> =>
  Effect.flatten(core.decide((state): Either.Either<Answer<Effect.Effect<void, IdentityApi.Failure<Key>>>> => {
    const [fault, ...later] = (state.faults[key] ?? []).filter(({ times }) => times > 0)
    if (fault === undefined) return Either.right(answer(Effect.void, state))
    const left = [{ ...fault, times: fault.times - 1 }, ...later]
    return Either.right(answer(Effect.fail(fault.error), { ...state, faults: { ...state.faults, [key]: left } }))
  }))

const record = (
  core: Core,
  operation: IdentityApi.OperationKey,
  request: unknown,
  exit: Exit.Exit<unknown, { readonly _tag: string }>
) =>
  core.change((state, at) => ({
    ...state,
    journal: Chunk.takeRight(
      Chunk.append(state.journal, { at, operation, request, outcome: outcome(exit) }),
      journalLength
    )
  }))

const outcome = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string =>
  Exit.match(exit, {
    onSuccess: () => "ok",
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), {
        onSome: ({ _tag }) => _tag,
        onNone: () => Cause.isInterrupted(cause) ? "interrupted" : "defect"
      })
  })
