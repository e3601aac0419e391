/// The small demo model and its sample pictures.
public enum EmojiScenes {}
