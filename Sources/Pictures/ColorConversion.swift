internal import CLCMS2

/// The ICC profile embedded in a file, not yet parsed.
enum EmbeddedProfile {
  case none
  /// The file has a profile whose segments are inconsistent.
  case damaged
  case bytes([UInt8])
}

/// The treatment of a file's color profile.
package enum ProfileUse: Sendable, Equatable {
  /// The file has no profile: the colors are sRGB.
  case none
  /// The profile describes sRGB.
  case sRGB(name: String)
  case converted(name: String)
  /// The profile is damaged, too large, or for another color model than the picture's.
  case ignored
}

/// The conversion of a file's colors to sRGB by its ICC profile, with Little CMS and perceptual intent.
///
/// Like image viewers, it ignores a profile that cannot be used instead of refusing the picture.
final class ColorConversion {
  /// The maximum size of a profile: 8 MiB, twice the size of the largest profiles of printing presses.
  static let profileLimit = 8 << 20

  private(set) var use: ProfileUse

  /// Nil if the colors do not change.
  private var transform: cmsHTRANSFORM?

  /// Creates a conversion.
  ///
  /// - Parameters:
  ///   - source: The layout of the input of `convert`.
  ///   - target: The layout of its output: RGB without alpha.
  init(_ profile: EmbeddedProfile, from source: SampleLayout, to target: SampleLayout) {
    transform = nil
    guard case .bytes(let bytes) = profile else {
      if case .none = profile { use = .none } else { use = .ignored }
      return
    }
    guard let opened = OpenProfile(bytes, of: source.model) else {
      use = .ignored
      return
    }
    if source.model != .cmyk, opened.isSRGB(source.model) {
      use = .sRGB(name: opened.name)
    } else if let made = opened.transform(from: source, to: target) {
      (use, transform) = (.converted(name: opened.name), made)
    } else {
      use = .ignored
    }
  }

  deinit { if let transform { cmsDeleteTransform(transform) } }

  var changesColors: Bool { transform != nil }

  /// Converts contiguous pixels; source and target may be the same memory if they have the same layout.
  func convert(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) {
    cmsDoTransform(transform, source, target, cmsUInt32Number(count))
  }
}

/// An open profile and an sRGB profile.
private final class OpenProfile {
  private let profile: cmsHPROFILE
  private let sRGB: cmsHPROFILE

  /// Returns nil if the profile is damaged, too large, or not for pictures of this model.
  init?(_ bytes: [UInt8], of model: ColorModel) {
    guard let bytes = Self.withoutFloatTables(bytes),
      let profile = cmsOpenProfileFromMem(bytes, cmsUInt32Number(bytes.count))
    else { return nil }
    let space =
      switch model {
      case .gray: cmsSigGrayData
      case .rgb: cmsSigRgbData
      case .cmyk: cmsSigCmykData
      }
    let classes = [cmsSigInputClass, cmsSigDisplayClass, cmsSigOutputClass, cmsSigColorSpaceClass]
    guard cmsGetColorSpace(profile) == space, classes.contains(cmsGetDeviceClass(profile)),
      let sRGB = cmsCreate_sRGBProfile()
    else {
      cmsCloseProfile(profile)
      return nil
    }
    (self.profile, self.sRGB) = (profile, sRGB)
  }

  deinit {
    cmsCloseProfile(profile)
    cmsCloseProfile(sRGB)
  }

  func transform(from source: SampleLayout, to target: SampleLayout) -> cmsHTRANSFORM? {
    // Without this flag, Little CMS replaces 16-bit curves with a coarse table, with errors of up to 28 of 255 in dark
    // colors.
    let flags = source.bytesPerSample == 2 ? cmsFLAGS_NOOPTIMIZE : 0
    return cmsCreateTransform(
      profile, Self.format(source), sRGB, Self.format(target), cmsUInt32Number(INTENT_PERCEPTUAL),
      cmsUInt32Number(flags))
  }

  /// Returns whether the conversion changes no color of a fine grid by more than 1 of 255.
  ///
  /// There are many sRGB profiles, so they are recognized by their effect. Their pictures are not converted, which
  /// avoids rounding errors.
  func isSRGB(_ model: ColorModel) -> Bool {
    guard let transform = transform(from: SampleLayout(model: model), to: .rgb8) else { return false }
    defer { cmsDeleteTransform(transform) }
    let levels = Array(stride(from: UInt8(0), through: 255, by: model == .gray ? 1 : 15))
    let colors =
      model == .gray
      ? levels.map { [$0] } : levels.flatMap { r in levels.flatMap { g in levels.map { b in [r, g, b] } } }
    var converted = [UInt8](repeating: 0, count: 3 * colors.count)
    cmsDoTransform(transform, colors.flatMap(\.self), &converted, cmsUInt32Number(colors.count))
    return colors.indices.allSatisfy { i in
      (0..<3).allSatisfy { c in abs(Int(converted[3 * i + c]) - Int(colors[i][c % colors[i].count])) <= 1 }
    }
  }

  /// The English description of the profile, on one line.
  var name: String {
    var letters = [CChar](repeating: 0, count: 256)
    cmsGetProfileInfoASCII(
      profile, cmsInfoDescription, "en", "US", &letters, cmsUInt32Number(letters.count - 1))
    let printable = letters.prefix { $0 != 0 }.map {
      (32...126).contains($0) ? Character(Unicode.Scalar(UInt8($0))) : " "
    }
    let words = String(printable).split(separator: " ")
    return words.isEmpty ? "without a name" : words.joined(separator: " ")
  }

  /// Returns the profile without the tables D2B0…3 and B2D0…3; nil if it is too short or too long.
  ///
  /// These tables duplicate other tables of the profile. They are chains of any length whose elements may share an
  /// offset, so a small file could need any amount of time and memory. No other table has this problem.
  private static func withoutFloatTables(_ bytes: [UInt8]) -> [UInt8]? {
    let tags = 128
    guard bytes.count >= tags + 4, bytes.count <= ColorConversion.profileLimit else { return nil }
    var bytes = bytes
    let count = bytes[tags..<tags + 4].reduce(0) { $0 << 8 | Int($1) }
    for tag in 0..<min(count, (bytes.count - tags - 4) / 12) {
      let place = tags + 4 + 12 * tag
      let isFloat = ["D2B", "B2D"].contains { bytes[place..<place + 3].elementsEqual($0.utf8) }
      if isFloat { bytes.replaceSubrange(place..<place + 4, with: "none".utf8) }
    }
    return bytes
  }

  private static func format(_ layout: SampleLayout) -> cmsUInt32Number {
    let isWide = layout.bytesPerSample == 2
    let colors =
      switch layout.model {
      case .gray: isWide ? clcms2_gray_16 : clcms2_gray_8
      case .rgb: isWide ? clcms2_rgb_16 : clcms2_rgb_8
      case .cmyk: clcms2_inverted_cmyk_8
      }
    return layout.hasAlpha ? colors | clcms2_alpha : colors
  }
}
