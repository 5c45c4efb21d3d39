/** The server and the layers of `serve`. */
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FederatedIssuer from "../FederatedIssuer.js"
import type { IdentityApi } from "../IdentityApi.js"
import type { IdentityControls } from "../IdentityControls.js"
import * as IdentityServer from "../IdentityServer.js"
import * as classicLevel from "../internal/emulator/persistence/classicLevel.js"
import * as MemoryIdentity from "../MemoryIdentity.js"
import * as StoredIdentity from "../StoredIdentity.js"
import { CommandFailed } from "./output.js"

/** @internal */
export type Signature = NonNullable<IdentityServer.Options["requireSignature"]>

/** @internal */
export interface ApiOptions extends MemoryIdentity.Options {
  readonly directory?: string | undefined
  readonly federation: FederatedIssuer.Options
}

/** The HTTP app of the server. */
export const app = (
  options: IdentityServer.LocalOptions
): Effect.Effect<HttpApp.Default<never, IdentityApi | IdentityControls>, ConfigError.ConfigError> =>
  IdentityServer.makeLocal(options)

const npxCommand = "npx -p effect-agentcore-identity -p classic-level@3 agentcore-identity serve --data DIR"

/**
 * Fails if the package that `--data` needs is missing. `npx` keeps packages outside the project, so the message contains a
 * command for it as well.
 */
export const checkPackage: Effect.Effect<void, CommandFailed> = Effect.asVoid(classicLevel.load).pipe(
  Effect.mapError(({ message }) =>
    new CommandFailed({ reason: "PackageUnusable", message: `--data: ${message}, or run '${npxCommand}'` })
  )
)

/** The service behind the server: in memory, or in a folder. */
export const layerApi = (
  { directory, federation, ...options }: ApiOptions
): Layer.Layer<IdentityApi | IdentityControls, CommandFailed> =>
  (directory === undefined
    ? MemoryIdentity.layerApi(options)
    : StoredIdentity.layerApi({ ...options, directory }).pipe(
      Layer.catchAll(({ message }) => Layer.fail(new CommandFailed({ reason: "ServerFailed", message })))
    )).pipe(Layer.provide(FederatedIssuer.layer(federation)))
