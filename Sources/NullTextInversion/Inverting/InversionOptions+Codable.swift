internal import DiffusionCore
internal import Foundation

/// The stored form is flat: the method's name, the common options, and the settings of that method only.
extension InversionOptions: Codable {
  fileprivate enum Key: String, CodingKey {
    case method, steps, guidance, innerSteps, earlyStop, optimizer, start, regularization, finalSteps,
      interpolation, randomPivotSeed
    case independentPivotSeed, sampler, pivotRefinements, pivotTolerance, pivotGuidance, easyInv, budget, size
    case crop, fit
  }

  /// Decodes options; missing keys have the default values, and settings of other methods are ignored.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let name = try values.decodeIfPresent(InversionMethod.Name.self, forKey: .method) ?? .nullText
    self.init(method: try InversionMethod(name, from: values))
    try values.read(.steps, into: &steps)
    try values.read(.guidance, into: &guidance)
    if let seed = try values.decodeIfPresent(UInt64.self, forKey: .randomPivotSeed) {
      pivots = .random(seed: seed)
    }
    if let seed = try values.decodeIfPresent(UInt64.self, forKey: .independentPivotSeed) {
      pivots = .independentNoise(seed: seed)
    }
    try values.read(.sampler, into: &sampler)
    try values.read(.pivotRefinements, into: &pivotRefinements)
    pivotTolerance = try values.decodeIfPresent(Double.self, forKey: .pivotTolerance)
    try values.read(.pivotGuidance, into: &pivotGuidance)
    easyInv = try values.decodeIfPresent(EasyInv.self, forKey: .easyInv)
    framing = try Framing(from: values)
  }

  /// Encodes all options of the method; options that were added later are omitted if they have their default value,
  /// so that the result equals that of older versions.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(method.name, forKey: .method)
    try values.encode(steps, forKey: .steps)
    try values.encode(guidance, forKey: .guidance)
    switch pivots {
    case .inversion: break
    case .random(let seed): try values.encode(seed, forKey: .randomPivotSeed)
    case .independentNoise(let seed): try values.encode(seed, forKey: .independentPivotSeed)
    }
    if sampler != .ddim { try values.encode(sampler, forKey: .sampler) }
    try values.encode(pivotRefinements, forKey: .pivotRefinements)
    try values.encodeIfPresent(pivotTolerance, forKey: .pivotTolerance)
    if pivotGuidance != 1 { try values.encode(pivotGuidance, forKey: .pivotGuidance) }
    try values.encodeIfPresent(easyInv, forKey: .easyInv)
    try framing.encode(into: &values)
    try method.encodeSettings(into: &values)
  }
}

extension KeyedDecodingContainer {
  /// Decodes a value if the key is present.
  func read<T: Decodable>(_ key: Key, into value: inout T) throws {
    value = try decodeIfPresent(T.self, forKey: key) ?? value
  }
}

extension Framing {
  fileprivate init(from values: KeyedDecodingContainer<InversionOptions.Key>) throws {
    self.init()
    func read<Value: LosslessStringConvertible>(_ key: InversionOptions.Key) throws -> Value? {
      guard let text = try values.decodeIfPresent(String.self, forKey: key) else { return nil }
      guard let value = Value(text) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: values, debugDescription: "\"\(text)\" is not a valid \(key.rawValue)")
      }
      return value
    }
    size = try read(.size) ?? size
    crop = try read(.crop)
    try values.read(.fit, into: &fit)
  }

  /// Encodes the framing; default values are omitted, so that the result equals that of older versions.
  fileprivate func encode(into values: inout KeyedEncodingContainer<InversionOptions.Key>) throws {
    if size != .square { try values.encode(size.description, forKey: .size) }
    try values.encodeIfPresent(crop?.description, forKey: .crop)
    if fit { try values.encode(fit, forKey: .fit) }
  }
}

extension InversionMethod {
  fileprivate init(_ name: Name, from values: KeyedDecodingContainer<InversionOptions.Key>) throws {
    self.init(name)
    switch self {
    case .nullText(var settings):
      try values.read(.innerSteps, into: &settings.innerSteps)
      try values.read(.earlyStop, into: &settings.earlyStop)
      try values.read(.optimizer, into: &settings.optimizer)
      try values.read(.start, into: &settings.start)
      try values.read(.regularization, into: &settings.regularization)
      try values.read(.finalSteps, into: &settings.finalSteps)
      settings.budget = try values.decodeIfPresent(Double.self, forKey: .budget).map(NullText.budget)
      self = .nullText(settings)
    case .negativePrompt(var settings):
      try values.read(.interpolation, into: &settings.interpolation)
      self = .negativePrompt(settings)
    case .globalNullText(var settings):
      try values.read(.innerSteps, into: &settings.sweeps)
      try values.read(.earlyStop, into: &settings.earlyStop)
      try values.read(.start, into: &settings.start)
      self = .globalNullText(settings)
    case .direct, .ddim: break
    }
  }

  fileprivate func encodeSettings(into values: inout KeyedEncodingContainer<InversionOptions.Key>) throws {
    switch self {
    case .nullText(let settings):
      try values.encode(settings.innerSteps, forKey: .innerSteps)
      try values.encode(settings.earlyStop, forKey: .earlyStop)
      try values.encode(settings.optimizer, forKey: .optimizer)
      try values.encode(settings.start, forKey: .start)
      if settings.regularization != 0 { try values.encode(settings.regularization, forKey: .regularization) }
      if settings.finalSteps != 0 { try values.encode(settings.finalSteps, forKey: .finalSteps) }
      try values.encodeIfPresent(settings.budget.map { $0 / .seconds(1) }, forKey: .budget)
    case .negativePrompt(let settings):
      try values.encode(settings.interpolation, forKey: .interpolation)
    case .globalNullText(let settings):
      try values.encode(settings.sweeps, forKey: .innerSteps)
      try values.encode(settings.earlyStop, forKey: .earlyStop)
      try values.encode(settings.start, forKey: .start)
    case .direct, .ddim: break
    }
  }
}

extension InversionOptions {
  /// The options as one line of JSON with sorted keys, equal for equal options.
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  init?(json: String) {
    guard let options = try? JSONDecoder().decode(Self.self, from: Data(json.utf8)) else { return nil }
    self = options
  }
}
