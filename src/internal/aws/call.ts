/** Calls one operation through an SDK client: validates the request, sends it, and decodes the reply. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { TransportFailure, UndecodableReply, type ValidationError, type WireError } from "../../IdentityError.js"
import type { ModelledTag, Operation } from "../../Operation.js"
import { redactText } from "../lib/redactText.js"
import { withSpan } from "../lib/span.js"
import { makeTryPromise, type Pending } from "../lib/timeLimit.js"
import type { Modelled } from "../model/exceptions.js"
import * as check from "../model/validation.js"
import * as credentialFailures from "./credentialFailures.js"
import { fromThrown, metadata } from "./exceptions.js"
import * as Exchange from "./exchange.js"
import type { Observer, Sending } from "./observers.js"
import { afterLostAttempt, withCorrectedClock } from "./resend.js"
import { asGiven, ofRequest } from "./secrets.js"
import { withoutCredentials } from "./signed.js"

const rpcService = { data: "BedrockAgentCore", control: "BedrockAgentCoreControl" }

// The SDK adds it to the members of a reply.
const withoutMetadata = (output: unknown) =>
  Predicate.isReadonlyRecord(output) ? Record.remove(output, "$metadata") : output

/** Decodes a reply. One without known members would contain those that the SDK adds. */
const decoderOf = <B, J>(reply: Schema.Schema<B, J>) => {
  const decode = Schema.decodeUnknownEither(reply)
  return AST.getPropertySignatures(AST.encodedAST(reply.ast)).length > 0
    ? decode
    : (output: unknown) => decode(withoutMetadata(output))
}

/** @internal */
export interface Call<Client> {
  <A, I, B, J, Tag extends ModelledTag>(
    operation: Operation<A, I, B, J, Tag>,
    send: (client: Client, input: I, sending: Sending) => Promise<unknown>
  ): (request: A) => Effect.Effect<B, Modelled<Tag> | ValidationError | WireError>
}

/** @internal */
export const make = <Client>(options: {
  /** The client for an operation, by the operation's name. */
  readonly client: (operation: string) => Effect.Effect<Client, TransportFailure>
  readonly observer: Observer
  readonly checkRequests: boolean
  readonly requestTimeout: Duration.Duration
}): Call<Client> => {
  const { observer, requestTimeout } = options
  // One for all operations, whose timers share a fiber.
  const tryPromise = makeTryPromise(requestTimeout, observer.makeAborter)
  return (operation, send) => {
    const { name, plane, reply, request } = operation
    const client = options.client(name)
    const encode = check.encode({ name, request: options.checkRequests ? request : asGiven(request) })
    const decode = decoderOf(reply)
    const attributes = { "rpc.system": "aws-api", "rpc.service": rpcService[plane], "rpc.method": name }

    const timedOut = (stage: Exchange.Stage) => {
      const within = Duration.format(requestTimeout)
      return stage === "Unidentified"
        ? new TransportFailure({
          operation: name,
          reason: "Credentials",
          message: credentialFailures.slow(within)
        })
        : new TransportFailure({
          operation: name,
          reason: "Timeout",
          message: `no answer from the service within ${within}`
        })
    }

    const observe = Exchange.of(operation)

    const read = (output: unknown, scrub: (text: string) => string) =>
      Either.mapLeft(decode(output), ({ issue }) => {
        const [field] = Predicate.isReadonlyRecord(output) ? check.invalidFields(issue) : []
        const path = field && scrub(field.name)
        const { requestId } = metadata(output)
        return new UndecodableReply({
          operation: name,
          ...(requestId !== undefined && { requestId: scrub(requestId) }),
          path,
          message: path === undefined
            ? `the reply of ${name} is not an object`
            : `the reply of ${name} did not match its schema at '${path}'`
        })
      })

    /** Sends a request that the client accepts. */
    const exchange = (
      sendInput: (sending: Sending) => Promise<unknown>,
      request: unknown,
      pending: Pending
    ) => {
      const exchange = observe()
      const { credentials, isResent, retryAfter, stage } = exchange
      const known = redactText(() => [...ofRequest(request), ...credentials()])
      const scrub = (text: string) => withoutCredentials(known(text))
      const output = tryPromise({
        onTimeout: () => timedOut(stage()),
        try: (abortSignal) => {
          const sending = observer.sending(exchange, abortSignal)
          return withCorrectedClock(() => sendInput(sending))
        },
        catch: (thrown, now) => {
          const error = fromThrown(operation, scrub, stage(), retryAfter(now))(thrown)
          return isResent() ? afterLostAttempt(name, error) : error
        }
      }, pending)
      return Effect.flatMap(output, (output) => read(output, scrub))
    }

    return (request) =>
      withSpan(`AwsIdentity.${name}`, { attributes, kind: "client" }, () => {
        const pending: Pending = { cancel: undefined }
        return {
          use: Effect.suspend(() => {
            const input = encode(request)
            return Either.isLeft(input)
              ? Effect.fail(input.left)
              : Effect.flatMap(
                client,
                (client) => exchange((sending) => send(client, input.right, sending), request, pending)
              )
          }),
          finalizer: () => {
            pending.cancel?.()
            return undefined
          }
        }
      })
  }
}
