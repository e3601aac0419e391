package import DiffusionCore
internal import Foundation
internal import Tensor

/// The arguments of an inversion: equal arguments give equal inversions.
package struct InversionArguments: Sendable, Equatable {
  package var caption: String
  package var options: InversionOptions
  package let schedule: ScheduleRecord
  package let model: ModelIdentity
  package let sourceSize: PixelSize
  package let crop: PixelRect
  package let pictureFingerprint: String
  /// The image size at the model's input; nil in files of older versions, which used the model's own size.
  package let pictureSize: PixelSize?
  /// The fingerprint of an inpainting model's mask.
  package let maskFingerprint: String?

  /// Collects the arguments of a new inversion.
  ///
  /// - Throws: `InputError` if the model's schedule does not support the number of steps.
  package init(
    of picture: PreparedPicture, caption: String, options: InversionOptions, mask: EditMask? = nil,
    schedule: NoiseSchedule, model: ModelIdentity
  ) throws {
    self.caption = caption
    self.options = options
    self.schedule = try ScheduleRecord(options, of: schedule)
    self.model = model
    sourceSize = picture.sourceSize
    crop = picture.crop
    pictureFingerprint = picture.fingerprint
    pictureSize = picture.size
    maskFingerprint = mask?.fingerprint
  }

  package init(of inversion: Inversion) {
    caption = inversion.caption
    options = inversion.options
    schedule = inversion.schedule
    model = ModelIdentity(inversion.modelFingerprint)
    sourceSize = inversion.sourceSize
    crop = inversion.crop
    pictureFingerprint = inversion.pictureFingerprint
    pictureSize = inversion.pictureSize
    maskFingerprint = inversion.maskFingerprint
  }

  /// Describes how the image of these stored arguments differs from that of others; nil if the model's input is the
  /// same.
  package func pictureDifference(from other: InversionArguments) -> String? {
    guard
      pictureFingerprint != other.pictureFingerprint || sourceSize != other.sourceSize || crop != other.crop
    else { return nil }
    let (own, others) = (options.framing, other.options.framing)
    return sourceSize == other.sourceSize && own != others
      ? "another part or size of the picture (\(own) instead of \(others))" : "another picture"
  }

  /// Describes how these stored arguments differ from others, as in "another caption ("a cat")"; nil if they are
  /// equal.
  package func difference(from other: InversionArguments) -> String? {
    guard other.model.isIdentified(by: model.fingerprint), schedule.isOfSameModel(as: other.schedule) else {
      return "another model or schedule"
    }
    if let difference = pictureDifference(from: other) { return difference }
    guard maskFingerprint == other.maskFingerprint else { return "another mask" }
    guard caption == other.caption else { return "another caption (\"\(caption)\")" }
    // Different framings can give the same crop and size.
    var options = options
    options.framing = other.options.framing
    return options.difference(from: other.options)
  }
}

extension Inversion {
  /// Creates an inversion without steps from the encoded image.
  init(of arguments: InversionArguments, latent: Tensor) {
    self.init(
      caption: arguments.caption, options: arguments.options, schedule: arguments.schedule,
      modelFingerprint: arguments.model.fingerprint, sourceSize: arguments.sourceSize, crop: arguments.crop,
      pictureFingerprint: arguments.pictureFingerprint, pictureSize: arguments.pictureSize,
      maskFingerprint: arguments.maskFingerprint, pivots: [latent], nullEmbeddings: [], trajectory: [],
      losses: [], innerSteps: [], psnr: 0, psnrBound: 0)
  }
}

extension InversionOptions {
  /// Describes the differences, as in "steps 20 instead of 50 and guidance 3 instead of 7.5".
  fileprivate func difference(from other: InversionOptions) -> String? {
    guard self != other else { return nil }
    let (own, others) = (values, other.values)
    let differences = Set(own.keys).union(others.keys).sorted().compactMap { key -> String? in
      let (value, instead) = (own[key] ?? "none", others[key] ?? "none")
      return value == instead ? nil : "\(key.words) \(value) instead of \(instead)"
    }
    return differences.joined(separator: " and ")
  }

  /// The options by their keys in the stored form.
  private var values: [String: String] {
    let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    return (object ?? [:]).mapValues { "\($0)" }
  }
}

extension String {
  /// The name in lower case with spaces: `inner steps` for `innerSteps`.
  fileprivate var words: String { map { $0.isUppercase ? " \($0.lowercased())" : String($0) }.joined() }
}
