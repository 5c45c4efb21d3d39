/** How the calls of a client are observed: by middleware of each command, or of the client. */
import * as Predicate from "effect/Predicate"
import type { Aborter } from "../lib/timeLimit.js"
import type { Command, Exchange, Input, Middleware } from "./exchange.js"
import * as signed from "./signed.js"

/** Signal without events: it has one listener, that of the request handler of Node. It costs much less than an `AbortSignal`. */
interface LightSignal {
  aborted: boolean
  onabort: ((event: undefined) => void) | null
}

type Signal = AbortSignal | LightSignal

/** Options of one sent command. */
export interface Sending {
  readonly options: { readonly abortSignal: Signal } | undefined
  /** Apply it to the command: it verifies the response, and records the credentials that errors must not contain. */
  readonly watch: <C extends Command>(command: C) => C
}

interface Handler {
  handle: (request: never, options?: { readonly abortSignal?: Signal }) => unknown
}

interface Position<Step> {
  readonly step: Step
  readonly priority: "low"
  readonly name: string
}

/** Middleware of a step before the request is signed. */
type EarlyMiddleware = <Args extends { readonly input: Input }, Out extends object>(
  next: (args: Args) => Promise<Out>,
  context: object
) => (args: Args) => Promise<Out>

/** A client that this library makes. */
interface OwnClient {
  readonly middlewareStack: {
    readonly add: {
      (middleware: EarlyMiddleware, options: Position<"initialize">): void
      (middleware: EarlyMiddleware, options: Position<"build">): void
      (middleware: Middleware, options: Position<"deserialize">): void
    }
  }
  readonly config: { readonly requestHandler: Handler }
  readonly destroy: () => void
}

/** @internal */
export interface Observer {
  /** Prepares a client that this library makes. */
  readonly attach: <Client extends OwnClient>(client: Client) => Client
  readonly makeAborter: () => Aborter<Signal>
  readonly sending: (exchange: Exchange, abortSignal: Signal) => Sending
}

/** Adds middleware to each command. It works with every client and changes none. */
export const perCommand: Observer = {
  attach: (client) => client,
  makeAborter: () => new AbortController(),
  sending: (exchange, abortSignal) => ({ options: { abortSignal }, watch: exchange.watch })
}

const makeLightAborter = (): Aborter<LightSignal> => {
  const signal: LightSignal = { aborted: false, onabort: null }
  return {
    signal,
    abort: () => {
      signal.aborted = true
      signal.onabort?.(undefined)
    }
  }
}

interface Observed {
  readonly exchange: Exchange
  readonly abortSignal: Signal
}

/**
 * Adds middleware to a client that this library makes, whose option `cacheMiddleware` is set: the client puts its middleware
 * together once for each operation, which otherwise takes a tenth of a call on loopback. The calls of an operation then share
 * one context, so what belongs to a call is found by its input. The client must have the request handler of Node, and its
 * calls no options.
 */
export const perClient = (): Observer => {
  const calls = new WeakMap<Input, Observed>()
  const signals = new WeakMap<object, Signal>()

  const onInitialize: EarlyMiddleware = (next, context) => {
    // The context would keep the first request, and its secrets, for as long as the client.
    signed.forgetCommand(context)
    return (args) => {
      calls.get(args.input)?.exchange.enter({})
      return next(args)
    }
  }

  // The credentials are resolved before this step. Those of a concurrent call may follow at any time.
  const onBuild: EarlyMiddleware = (next, context) => (args) => {
    calls.get(args.input)?.exchange.enter(signed.snapshot(context))
    return next(args)
  }

  const onDeserialize: Middleware = (next, context) => (args) => {
    const call = calls.get(args.input)
    if (call === undefined) return next(args)
    call.exchange.enter(signed.snapshot(context))
    if (Predicate.isObject(args.request)) signals.set(args.request, call.abortSignal)
    return call.exchange.send(next, args)
  }

  return {
    makeAborter: makeLightAborter,
    sending: (exchange, abortSignal) => ({
      options: undefined,
      watch: (command) => {
        calls.set(command.input, { exchange, abortSignal })
        return command
      }
    }),
    attach: (client) => {
      const { config: { requestHandler }, middlewareStack: { add } } = client
      add(onInitialize, { step: "initialize", priority: "low", name: "effectAgentCoreIdentityStart" })
      add(onBuild, { step: "build", priority: "low", name: "effectAgentCoreIdentityCredentials" })
      // The last middleware before the request handler: the request is signed, the response is raw.
      add(onDeserialize, { step: "deserialize", priority: "low", name: "effectAgentCoreIdentityMiddleware" })
      const handle = requestHandler.handle.bind(requestHandler)
      requestHandler.handle = (request, options) => {
        const abortSignal = signals.get(request)
        return handle(request, abortSignal === undefined ? options : { ...options, abortSignal })
      }
      return client
    }
  }
}
