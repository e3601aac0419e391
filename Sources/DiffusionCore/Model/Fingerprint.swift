internal import Foundation

/// A 64-bit FNV-1a hash, for telling content apart (not for guarding it).
package struct Fingerprint {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  }

  mutating func add(_ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { add($0) }
  }

  /// Adds a text and its length, so that no two sequences of texts look the same.
  package mutating func add(_ text: String) {
    add(UInt64(text.utf8.count))
    add(text.utf8)
  }

  /// Sixteen hexadecimal digits.
  package var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension CheckpointFolder {
  /// Sixteen hexadecimal digits that identify the model, wherever it lies and however its files are cut.
  ///
  /// They come from the names, types and shapes of all tensors of the three networks, from a few bytes at the
  /// start, the middle and the end of each, and from the configurations. A checkpoint of gigabytes takes
  /// milliseconds. It identifies; it does not authenticate.
  ///
  /// - Throws: `InputError` if a part is missing or damaged.
  public func modelFingerprint() throws -> String {
    var fingerprint = Fingerprint()
    for part in [Part.unet, .vae, .textEncoder] {
      fingerprint.add(part.rawValue)
      try fingerprint.add(configuration(of: part, as: JSONValue.self).withoutBookkeeping)
      try fingerprint.add(store(of: part))
    }
    fingerprint.add(Part.scheduler.rawValue)
    try fingerprint.add(configuration(of: .scheduler, as: JSONValue.self).noiseSchedule)
    return fingerprint.hexadecimal
  }

  /// Identifies the weights of a part, as `modelFingerprint()` does for all.
  func weightFingerprint(of part: Part) throws -> String {
    var fingerprint = Fingerprint()
    try fingerprint.add(store(of: part))
    return fingerprint.hexadecimal
  }
}

extension Fingerprint {
  /// How many bytes are taken at each of three places of a tensor.
  private static let sampleLength = 64

  fileprivate mutating func add(_ store: WeightStore) throws {
    add(UInt64(store.names.count))
    for name in store.names {
      guard let file = store.file(of: name), let entry = file.entries[name] else { continue }
      add(name)
      add(entry.type)
      add(UInt64(entry.shape.count))
      for length in entry.shape { add(UInt64(length)) }
      let (begin, count, sample) = (entry.range.lowerBound, entry.range.count, Self.sampleLength)
      if count <= 3 * sample {
        add(try file.file.bytes(entry.range))
      } else {
        for start in [0, (count - sample) / 2, count - sample] {
          add(try file.file.bytes(begin + start..<begin + start + sample))
        }
      }
    }
  }

  fileprivate mutating func add(_ value: JSONValue) {
    switch value {
    case .null: add(0)
    case .bool(let bool): add(bool ? 2 : 1)
    case .number(let number):
      add(3)
      add(number.bitPattern)
    case .string(let string):
      add(4)
      add(string)
    case .array(let values):
      add(5)
      add(UInt64(values.count))
      for value in values { add(value) }
    case .object(let members):
      add(6)
      add(UInt64(members.count))
      for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        add(key)
        add(value)
      }
    }
  }
}

extension JSONValue {
  /// The members that say what the network computes: without nulls, versions, names, and the like.
  fileprivate var withoutBookkeeping: JSONValue {
    let bookkeeping: Set = ["architectures", "dtype", "torch_dtype", "transformers_version"]
    return filtered { key, value in !key.hasPrefix("_") && !bookkeeping.contains(key) && value != .null }
  }

  /// The members that determine the noise levels of the training steps.
  ///
  /// What else the scheduler's file says is the sampler's business, and an inversion records it.
  fileprivate var noiseSchedule: JSONValue {
    let keys: Set = [
      "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas",
      "rescale_betas_zero_snr",
    ]
    return filtered { key, value in keys.contains(key) && value != .null }
  }

  private func filtered(_ isKept: (String, JSONValue) -> Bool) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { isKept($0.key, $0.value) })
  }
}
