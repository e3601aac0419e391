package import DiffusionCore
internal import Foundation
internal import Tensor

/// What an inversion is made from: equal arguments make the same inversion.
package struct InversionArguments: Sendable, Equatable {
  package var caption: String
  package var options: InversionOptions
  package let schedule: ScheduleRecord
  package let model: ModelIdentity
  package let sourceSize: PixelSize
  package let crop: PixelRect
  package let pictureFingerprint: String
  /// Of the mask that an inpainting model reads.
  package let maskFingerprint: String?

  /// - Throws: `InputError` if the model's schedule does not have so many steps.
  package init(
    of picture: PreparedPicture, caption: String, options: InversionOptions, mask: EditMask? = nil,
    schedule: NoiseSchedule, model: ModelIdentity
  ) throws {
    self.caption = caption
    self.options = options
    self.schedule = ScheduleRecord(try DDIM(schedule, stepCount: options.steps))
    self.model = model
    sourceSize = picture.sourceSize
    crop = picture.crop
    pictureFingerprint = picture.fingerprint
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
    maskFingerprint = inversion.maskFingerprint
  }

  /// Whether both are of one picture, of the same part of it, as a model of one size sees it.
  package func isOfSamePicture(as other: InversionArguments) -> Bool {
    pictureFingerprint == other.pictureFingerprint && sourceSize == other.sourceSize && crop == other.crop
  }

  /// What these arguments, of a file, have that others have not, in words: as in "another caption ("a cat")"; nil if nothing is.
  package func difference(from other: InversionArguments) -> String? {
    guard other.model.isStated(by: model.fingerprint), schedule.isOfSameModel(as: other.schedule) else {
      return "another model or schedule"
    }
    guard isOfSamePicture(as: other) else { return "another picture" }
    guard maskFingerprint == other.maskFingerprint else { return "another mask" }
    guard caption == other.caption else { return "another caption (\"\(caption)\")" }
    return options.difference(from: other.options)
  }
}

extension Inversion {
  /// The beginning of an inversion, of which only the picture is encoded.
  init(of arguments: InversionArguments, latent: Tensor) {
    self.init(
      caption: arguments.caption, options: arguments.options, schedule: arguments.schedule,
      modelFingerprint: arguments.model.fingerprint, sourceSize: arguments.sourceSize, crop: arguments.crop,
      pictureFingerprint: arguments.pictureFingerprint, maskFingerprint: arguments.maskFingerprint,
      pivots: [latent], nullEmbeddings: [], trajectory: [],
      losses: [], innerSteps: [], psnr: 0, psnrBound: 0)
  }
}

extension InversionOptions {
  /// As in "steps 20 instead of 50 and guidance 3 instead of 7.5".
  fileprivate func difference(from other: InversionOptions) -> String? {
    guard self != other else { return nil }
    let (own, others) = (values, other.values)
    let differences = Set(own.keys).union(others.keys).sorted().compactMap { key -> String? in
      let (value, instead) = (own[key] ?? "none", others[key] ?? "none")
      return value == instead ? nil : "\(key.words) \(value) instead of \(instead)"
    }
    return differences.joined(separator: " and ")
  }

  /// The options by their names in the stored form.
  private var values: [String: String] {
    let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    return (object ?? [:]).mapValues { "\($0)" }
  }
}

extension String {
  /// A name in small letters with spaces: `inner steps` for `innerSteps`.
  fileprivate var words: String { map { $0.isUppercase ? " \($0.lowercased())" : String($0) }.joined() }
}
