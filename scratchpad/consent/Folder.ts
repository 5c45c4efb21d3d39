/** Folder that two programs share: the state of the identity service, a resume handle, and the key that sealed it. */
import { NodeContext } from "@effect/platform-node"
import { ConfigProvider, Data, Effect, Layer, Redacted } from "effect"
import { ConsentLedger, ConsentSeal, IdentityService } from "effect-agentcore-identity"
import * as StoredIdentity from "effect-agentcore-identity/StoredIdentity"
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export class FolderUnusable extends Data.TaggedError("FolderUnusable")<{ readonly message: string }> {}

const variable = "AGENTCORE_IDENTITY_SEAL_KEYS"

const handleIn = (directory: string) => join(directory, "handle")

const keysIn = (directory: string) => join(directory, "keys")

const attempt = <A>(directory: string, f: () => A) =>
  Effect.try({ try: f, catch: () => new FolderUnusable({ message: `the folder ${directory} cannot be used` }) })

/** Creates a temporary folder, or the given one. Other users of the machine cannot read it. */
export const create = (given: string | undefined) =>
  attempt(given ?? tmpdir(), () => {
    if (given === undefined) return mkdtempSync(join(tmpdir(), "agentcore-consent-"))
    if (!existsSync(given)) mkdirSync(given, { mode: 0o700 })
    return given
  }).pipe(
    Effect.filterOrFail(
      (directory) => !existsSync(keysIn(directory)),
      (directory) => new FolderUnusable({ message: `the folder ${directory} was used before: pass a new folder` })
    ),
    Effect.tap((directory) =>
      attempt(directory, () =>
        writeFileSync(keysIn(directory), `demo:${randomBytes(32).toString("base64")}`, { mode: 0o600 }))
    )
  )

export const keep = (directory: string, handle: Redacted.Redacted) =>
  attempt(directory, () => writeFileSync(handleIn(directory), Redacted.value(handle), { mode: 0o600 }))

/** The folder of a suspended call. */
export const find = (given: string | undefined): Effect.Effect<string, FolderUnusable> =>
  given !== undefined && existsSync(handleIn(given))
    ? Effect.succeed(given)
    : new FolderUnusable({
      message: "first run `npx tsx scratchpad/consent-suspend.ts`: it prints the command that resumes the call"
    })

export const handle = (directory: string) =>
  attempt(directory, () => Redacted.make(readFileSync(handleIn(directory), "utf8")))

/** Reads the keys from the environment, or else from the folder. A real application stores keys elsewhere. */
const Keys = (directory: string) =>
  Layer.unwrapEffect(
    Effect.map(attempt(directory, () => readFileSync(keysIn(directory), "utf8")), (keys) =>
      Layer.setConfigProvider(
        ConfigProvider.orElse(ConfigProvider.fromEnv(), () => ConfigProvider.fromMap(new Map([[variable, keys]])))
      ))
  )

/** The service, its controls, the seal and the ledger. Their state is kept in the folder. */
export const layer = (directory: string) =>
  Layer.mergeAll(
    IdentityService.layer.pipe(
      Layer.provideMerge(StoredIdentity.layerApi({ directory: join(directory, "state") }))
    ),
    Layer.provide(ConsentSeal.layerConfig(), Keys(directory)),
    ConsentLedger.layerFileSystem(join(directory, "ledger")).pipe(Layer.provide(NodeContext.layer))
  )
