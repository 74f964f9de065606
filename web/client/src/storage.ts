/**
 * Where a session is kept: localStorage, React Native's AsyncStorage, or anything else with
 * these three. Several tabs that share one share the session.
 */
export interface BridgeStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

/** A storage that ends with the page or the process. */
export function memoryStorage(): BridgeStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
