internal import Foundation

extension Checkpoint {
  /// Returns the fingerprint that earlier versions computed for this model, so that their inversions stay usable; nil
  /// for models they could not read.
  ///
  /// It depends on the stored tensor names and on the literal members of the configurations.
  ///
  /// - Throws: `InputError` if a part is missing or damaged.
  func earlierFingerprint() throws -> String? {
    guard !options.changesModel, let folder = diffusersFolder else { return nil }
    var fingerprint = Fingerprint()
    for part in [Part.unet, .vae, .textEncoder] {
      fingerprint.add(part.rawValue)
      fingerprint.add(json: try json(of: part, in: folder).withoutBookkeeping)
      let tensors = try folder.storedTensors(of: part).sorted { $0.entry.name < $1.entry.name }
      fingerprint.add(UInt64(tensors.count))
      for tensor in tensors { try fingerprint.add(tensor.entry.name, tensor) }
    }
    fingerprint.add(Part.scheduler.rawValue)
    fingerprint.add(json: try json(of: .scheduler, in: folder).noiseSchedule)
    return fingerprint.hexadecimal
  }

  private func json(of part: Part, in folder: DiffusersFolder) throws -> JSONValue {
    let (json, path) = try folder.configuration(of: part)
    return try JSONFile.decode(JSONValue.self, from: json, path: path)
  }
}

extension JSONValue {
  /// The members that affect the computation: without nulls, versions, names and similar members.
  fileprivate var withoutBookkeeping: JSONValue {
    let bookkeeping: Set = ["architectures", "dtype", "torch_dtype", "transformers_version"]
    return filtered { key, value in !key.hasPrefix("_") && !bookkeeping.contains(key) && value != .null }
  }

  /// The members that determine the noise levels of the training timesteps.
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
