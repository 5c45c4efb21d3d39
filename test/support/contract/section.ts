import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Layer } from "effect"
import type * as IdentityApi from "../../../src/IdentityApi.js"
import type * as IdentityControls from "../../../src/IdentityControls.js"
import type * as IdentityService from "../../../src/IdentityService.js"
import { settled } from "../clock.js"

/** Requirements of a test of the contract: the service, its port, and the test controls. */
export type Services = IdentityService.IdentityService | IdentityApi.IdentityApi | IdentityControls.IdentityControls

/**
 * Extent of the contract on a layer. `whole`: all cases. `sample`: one row of each kind of the long tables, because all layers
 * have the same emulator.
 */
export type Extent = "whole" | "sample"

type Test = <A, E>(title: string, body: Effect.Effect<A, E, Services>) => void

/** Titles of the tests that a layer does not pass, and why. */
export type Exemptions = { readonly [title: string]: string }

/**
 * Makes a section of the contract, which runs on any layer. Each test has a layer of its own. An exempt test must fail, so that
 * no exemption is unnecessary.
 */
export const section =
  (title: string, tests: (test: Test, extent: Extent) => void) =>
  <E>(name: string, layer: Layer.Layer<Services, E>, extent: Extent, exemptions: Exemptions = {}) =>
    describe(`${name}: ${title}`, () =>
      tests((title, body) => {
        const run = settled(Effect.provide(body, layer))
        const why = exemptions[title]
        if (why === undefined) it.effect(title, () => run)
        else {
          it.effect(`does not pass, because ${why}: ${title}`, () =>
            Effect.map(Effect.exit(run), (exit) => assert.isTrue(Exit.isFailure(exit))))
        }
      }, extent))
