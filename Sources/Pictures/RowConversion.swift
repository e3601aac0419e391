/// The conversion of rows of a file's samples to those of a picture: 8-bit sRGB, blended with white.
final class RowConversion {
  let layout: SampleLayout
  let colors: ColorConversion
  private let width: Int
  /// Converted colors before they are blended with white.
  private let converted: UnsafeMutableRawBufferPointer

  init(_ layout: SampleLayout, width: Int, profile: EmbeddedProfile) {
    self.layout = layout
    self.width = width
    let target = SampleLayout(bytesPerSample: layout.hasAlpha ? layout.bytesPerSample : 1)
    colors = ColorConversion(profile, from: layout, to: target)
    converted = .allocate(
      byteCount: colors.changesColors && layout.hasAlpha ? width * target.bytesPerPixel : 0, alignment: 16)
  }

  deinit { converted.deallocate() }

  /// Whether the conversion leaves rows unchanged.
  var isCopy: Bool { layout == .rgb8 && !colors.changesColors }

  /// Converts a row; source and target may be the same memory if the layout is ``SampleLayout/rgb8``.
  func callAsFunction(_ row: UnsafeRawPointer, to rgb: UnsafeMutablePointer<UInt8>) {
    switch (colors.changesColors, layout.bytesPerSample) {
    case (true, _) where !layout.hasAlpha: colors.convert(row, to: rgb, count: width)
    case (false, _) where layout.model == .cmyk: mixInks(row.assumingMemoryBound(to: UInt8.self), rgb)
    case (_, 1): compositeOnWhite(row.assumingMemoryBound(to: UInt8.self), rgb)
    default: compositeOnWhite(row.assumingMemoryBound(to: UInt16.self), rgb)
    }
  }

  private func compositeOnWhite<Sample: UnsignedInteger & FixedWidthInteger>(
    _ row: UnsafePointer<Sample>, _ rgb: UnsafeMutablePointer<UInt8>
  ) {
    var color = row
    var channels = layout.model.channels
    var step = layout.samplesPerPixel
    if colors.changesColors, let start = converted.baseAddress {
      colors.convert(row, to: start, count: width)
      color = UnsafePointer(start.assumingMemoryBound(to: Sample.self))
      (channels, step) = (3, 3)
    }
    let full = Int(Sample.max)
    let divisor = full * full / 255
    for x in 0..<width {
      let alpha = layout.hasAlpha ? Int(row[x * layout.samplesPerPixel + layout.samplesPerPixel - 1]) : full
      var mixed: UInt8 = 0
      for c in 0..<3 {
        if c < channels {
          let value = Int(color[x * step + c]) * alpha + full * (full - alpha)
          mixed = UInt8((value + divisor / 2) / divisor)
        }
        rgb[3 * x + c] = mixed
      }
    }
  }

  /// Converts CMYK without a profile, using Pillow's integer formula.
  private func mixInks(_ inks: UnsafePointer<UInt8>, _ rgb: UnsafeMutablePointer<UInt8>) {
    for x in 0..<width {
      let white = Int(inks[4 * x + 3])
      for c in 0..<3 {
        let product = (255 - Int(inks[4 * x + c])) * white + 128
        let ink = (product + (product >> 8)) >> 8
        rgb[3 * x + c] = UInt8(max(0, white - ink))
      }
    }
  }
}

extension RGBImage {
  /// Creates a picture from samples that a decoder writes all at once.
  ///
  /// - Parameter decode: Fills memory for `width * height` pixels in the conversion's layout.
  init(
    width: Int, height: Int, rows: RowConversion, decode: (UnsafeMutablePointer<UInt8>) throws -> Void
  ) throws {
    let count = 3 * width * height
    let stride = width * rows.layout.bytesPerPixel
    let samples = try [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      guard let rgb = target.baseAddress else { return }
      if rows.layout == .rgb8 {
        try decode(rgb)
        if !rows.isCopy { for y in 0..<height { rows(rgb + y * stride, to: rgb + y * stride) } }
      } else {
        let source = UnsafeMutablePointer<UInt8>.allocate(capacity: stride * height)
        defer { source.deallocate() }
        try decode(source)
        for y in 0..<height { rows(source + y * stride, to: rgb + y * 3 * width) }
      }
      initialized = count
    }
    self.init(width: width, height: height, samples: samples)
  }
}
