// A set of callbacks that are told when something changed.

export class Listeners {
  private readonly all = new Set<() => void>()

  add(listener: () => void): () => void {
    this.all.add(listener)
    return () => this.all.delete(listener)
  }

  notify(): void {
    for (const listener of [...this.all]) listener()
  }
}
