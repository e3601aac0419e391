internal import Foundation

extension Checkpoint {
  /// Returns sixteen hexadecimal digits that identify the model, independent of its path and layout.
  ///
  /// The fingerprint covers the names, types and shapes of all tensors of the three networks, a few bytes from the
  /// start, middle and end of each, the configuration values that affect the computation, and the options that change
  /// the model. A checkpoint of gigabytes takes milliseconds. The fingerprint is not cryptographic.
  ///
  /// - Throws: `InputError` if a part is missing or damaged.
  public func modelFingerprint() throws -> String {
    var fingerprint = Fingerprint()
    try fingerprint.add(json: configuration(of: .unet, as: UNetConfiguration.self).identity)
    try fingerprint.add(json: configuration(of: .vae, as: AutoencoderConfiguration.self).identity)
    try fingerprint.add(json: configuration(of: .textEncoder, as: TextEncoderConfiguration.self).identity)
    for part in Part.networks { fingerprint.add(try weightFingerprint(of: part)) }
    try fingerprint.add(json: configuration(of: .scheduler, as: SchedulerConfiguration.self).identity)
    if options.clipSkip != 0 { fingerprint.add("clip skip \(options.clipSkip)") }
    return fingerprint.hexadecimal
  }

  /// Returns the fingerprint of one part's weights, computed as in `modelFingerprint()`.
  func weightFingerprint(of part: Part) throws -> String {
    var fingerprint = Fingerprint()
    let store = try store(of: part)
    fingerprint.add(UInt64(store.names.count))
    for name in store.names {
      guard let place = store.place(of: name) else { continue }
      try fingerprint.add(name, place)
      for update in store.updates[name] ?? [] { try update.add(to: &fingerprint) }
    }
    return fingerprint.hexadecimal
  }
}

// The configuration values that determine the results, independent of how a file states them.

extension UNetConfiguration {
  fileprivate var identity: JSONValue {
    let levels = blockOutChannels.indices
    return [
      "unet", .number(inChannels), .number(outChannels), .array(blockOutChannels.map { .number($0) }),
      .array(downBlockTypes.map { .string($0) }), midBlockType.map { .string($0) } ?? nil,
      .array(upBlockTypes.map { .string($0) }), .array(levels.map { .number(layersPerBlock(at: $0)) }),
      .array(levels.map { .number(hasAttention(at: $0) ? transformerDepth(at: $0) : 0) }),
      .array(
        levels.map {
          .number(hasAttention(at: $0) ? transformerDepth(at: $0, upBlock: levels.count - 1 - $0) : 0)
        }),
      .array(levels.map { .number(hasAttention(at: $0) ? heads(at: $0) : 0) }),
      .array(levels.map { .number(hasAttention(at: $0) ? crossAttentionChannels(at: $0) : 0) }),
      .number(normGroups), .number(normEpsilon), .bool(flipSinToCos), .number(frequencyShift),
      .number(midBlockScaleFactor), .number(resnetOutScaleFactor), .number(convInKernel),
      .number(convOutKernel),
    ]
  }
}

extension AutoencoderConfiguration {
  fileprivate var identity: JSONValue {
    switch self {
    case .kl(let configuration): configuration.identity
    case .tiny(let configuration): configuration.identity
    }
  }
}

extension AutoencoderTinyConfiguration {
  fileprivate var identity: JSONValue {
    [
      "tiny autoencoder", .number(latentChannels), .array(encoderWidths.map { .number($0) }),
      .array(encoderBlocks.map { .number($0) }), .array(decoderWidths.map { .number($0) }),
      .array(decoderBlocks.map { .number($0) }), .number(scalingFactor),
    ]
  }
}

extension AutoencoderKLConfiguration {
  fileprivate var identity: JSONValue {
    [
      "autoencoder", .number(latentChannels), .array(blockOutChannels.map { .number($0) }),
      .number(layersPerBlock), .number(normGroups), .number(scalingFactor), .bool(usesQuantConvolution),
      .bool(usesPostQuantConvolution), .bool(middleBlockHasAttention),
    ]
  }
}

extension TextEncoderConfiguration {
  fileprivate var identity: JSONValue {
    [
      "text encoder", .number(vocabularySize), .number(hiddenSize), .number(intermediateSize),
      .number(layerCount), .number(headCount), .number(positionCount), .string(activation),
      .number(normEpsilon),
    ]
  }
}

extension SchedulerConfiguration {
  /// The settings that determine the noise levels of the training timesteps.
  ///
  /// The other settings belong to the sampler; an inversion records them.
  fileprivate var identity: JSONValue {
    [
      "noise schedule", .number(trainingSteps), .bool(rescalesToZeroSignal),
      trainedBetas.map { .array($0.map { .number($0) }) }
        ?? [.number(betaStart), .number(betaEnd), .string(betaSchedule)],
    ]
  }
}
