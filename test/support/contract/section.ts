import { describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { IdentityApi, IdentityControls, IdentityService } from "../../../src/index.js"
import { settled } from "../clock.js"

/** What a test of the contract may use: the service, the port behind it, and the hands of everybody else. */
export type Services = IdentityService.IdentityService | IdentityApi.IdentityApi | IdentityControls.IdentityControls

type Test = <A, E>(title: string, body: Effect.Effect<A, E, Services>) => void

/** A part of the contract, to be run over any door; each test gets a door of its own. */
export const section =
  (title: string, tests: (test: Test) => void) => <E>(name: string, layer: Layer.Layer<Services, E>) =>
    describe(`${name}: ${title}`, () =>
      tests((title, body) => it.effect(title, () => settled(Effect.provide(body, layer)))))
