// What tests of larder backup and larder restore share: a directory for each test, the commands that it runs, and a web server of
// backups that goes silent on request.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Command } from './command.ts'
import { FaultyRelay, type RelayedRequest } from './faulty-relay.ts'
import { HttpArchiveServer } from './http-archive-server.ts'

export const isPut = ({ method }: RelayedRequest): boolean => method === 'PUT'

export class BackupStage {
  /** Of this test. */
  root = ''
  readonly http: HttpArchiveServer
  readonly relay: FaultyRelay
  /** URL of a collection at the web server. */
  readonly relayed: string
  #commands: Command[] = []

  static async open(): Promise<BackupStage> {
    const http = await HttpArchiveServer.open()
    return new BackupStage(http, await FaultyRelay.open(http.port))
  }

  private constructor(http: HttpArchiveServer, relay: FaultyRelay) {
    this.http = http
    this.relay = relay
    this.relayed = `http://127.0.0.1:${relay.port}/backups`
  }

  /** URL of a folder that is not there yet. */
  get collection(): string {
    return pathToFileURL(this.path('collection')).href
  }

  /** Before each test. */
  begin(): void {
    this.root = mkdtempSync(join(tmpdir(), 'larder-backup-'))
    this.relay.plan()
    this.http.objects.clear()
  }

  /** After each test. */
  async end(): Promise<void> {
    for (const command of this.#commands.splice(0)) await command.end()
    rmSync(this.root, { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await this.relay.close()
    await this.http.close()
  }

  path(name: string): string {
    return join(this.root, name)
  }

  async larder(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const command = this.start(...args)
    const code = await command.exit
    return { code, stdout: command.stdout, stderr: command.stderr }
  }

  /** A command whose first upload is never answered. */
  async stuck(...args: string[]): Promise<Command> {
    this.relay.plan((request) => (isPut(request) ? { silent: true } : undefined))
    const command = this.start(...args, '--archive-allow', this.relayed, '--url', this.relayed)
    await Promise.race([this.relay.seen(1, isPut), command.exit])
    this.relay.plan()
    return command
  }

  start(...args: readonly string[]): Command {
    const command = Command.run(args)
    this.#commands.push(command)
    return command
  }
}
